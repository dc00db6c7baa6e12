import { expect } from '@jest/globals';
import { type Answer, clientRedirect } from './answer.js';

/** What an answer is measured by. */
export interface Expectations {
  readonly issuer: string;
  /** The `state` the client sent; absent when it sent none that could come back. */
  readonly state?: string | undefined;
  /** The client's redirect URI, by which answers to the client are known. */
  readonly redirectUri?: string;
  /** A 5xx that the row asks for. */
  readonly serverFault?: 502 | 503;
}

const traces = [
  /\n\s+at .+:\d+:\d+/, // a stack
  /node_modules|\/lib\/|\.[jt]s:\d/, // a file
  /\b[A-Z]\w*(?:Error|Exception)\b/, // a class
];
const errorText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** The invariants U1, U2, U3, U7 and U9 of the security matrix, which every answer keeps. */
export function expectInvariants(answer: Answer, wanted: Expectations): void {
  const { status, headers, text } = answer;
  if (status !== wanted.serverFault) expect(status).toBeLessThan(500);
  for (const trace of traces) expect(text).not.toMatch(trace);
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['referrer-policy']).toBe('no-referrer');
  expect(headers['etag']).toBeUndefined();
  if (String(headers['content-type']).startsWith('text/html')) expectPageHeaders(answer);
  const challenge = headers['www-authenticate'];
  if (challenge !== undefined) expect(challenge).toMatch(/^[\x20-\x7e]+$/);
  if (headers['location'] !== undefined) expectLocation(String(headers['location']), wanted);
}

function expectPageHeaders({ headers }: Answer): void {
  expect(headers['x-frame-options']).toBe('DENY');
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
}

function expectLocation(location: string, wanted: Expectations): void {
  expect(location).toMatch(/^[\x21-\x7e]+$/);
  const [target = ''] = location.split('?');
  if (target !== (wanted.redirectUri ?? clientRedirect).split('?')[0]) return;
  const answer = new URL(location);
  expect(answer.hash).toBe('');
  expect(answer.searchParams.getAll('iss')).toEqual([wanted.issuer]);
  const states = wanted.state === undefined ? [] : [wanted.state];
  expect(answer.searchParams.getAll('state')).toEqual(states);
  const outcomes = [...answer.searchParams.keys()].filter((k) => k === 'code' || k === 'error');
  expect(outcomes).toHaveLength(1);
  expect(answer.searchParams.get('error_description') ?? '').toMatch(errorText);
}
