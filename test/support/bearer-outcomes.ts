import { expect } from '@jest/globals';
import { type Answer, jsonOf } from './proxy-flow.js';

const traces = [
  /\n\s+at .+:\d+:\d+/, // a stack
  /node_modules|\/lib\/|\.[jt]s:\d/, // a file
  /\b[A-Z]\w*(?:Error|Exception)\b/, // a class
];

/**
 * The outcome of a request to a protected endpoint, in the shorthand of the security matrix:
 * `accepted`, `B400`, `B401`, `B401i`, `B403`, `503`, or else the status. Whatever it is, it keeps
 * the invariants U1, U6 and U9: no trace of the inside, constant texts, a well-formed challenge.
 */
export function bearerOutcome(answer: Answer, metadataUrl: string): string {
  const { status, headers, text } = answer;
  for (const trace of traces) expect(text).not.toMatch(trace);
  if (status === 200) return 'accepted';
  // Node's own answer to headers that are too large, before there is a request.
  if (status === 431) return '431';
  expect(headers['cache-control']).toBe('no-store');
  const challenge = String(headers['www-authenticate'] ?? '');
  const body = jsonOf(answer) as { error: string; error_description: string };
  expect(Object.keys(body).sort()).toEqual(['error', 'error_description']);
  if (status === 503) {
    expect({ challenge, body: body.error }).toEqual({
      challenge: '',
      body: 'temporarily_unavailable',
    });
    expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
    return '503';
  }
  const named = /^Bearer (?:error="(\w+)", error_description="[^"\\]+", )?scope="[\w:. ]+", /.exec(
    challenge,
  );
  expect(challenge.slice(named?.[0].length)).toBe(`resource_metadata="${metadataUrl}"`);
  const outcome = outcomes[`${status} ${named?.[1] ?? ''}`];
  if (named?.[1] !== undefined) {
    expect(body).toEqual({ error: named[1], error_description: descriptions[named[1]] });
  }
  return outcome ?? `${status} ${challenge}`;
}

const outcomes: Readonly<Record<string, string>> = {
  '400 invalid_request': 'B400',
  '401 ': 'B401',
  '401 invalid_token': 'B401i',
  '403 insufficient_scope': 'B403',
};

const descriptions: Readonly<Record<string, string>> = {
  invalid_request: 'The credentials of the request are malformed, or there are several.',
  invalid_token: 'The access token is expired, revoked or not valid here.',
  insufficient_scope: 'The access token lacks a scope that this request needs.',
};
