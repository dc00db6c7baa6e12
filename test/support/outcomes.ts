import { expect } from '@jest/globals';
import type { Hop, Visit } from './browser.js';
import type { IdpBehind } from './protected-app.js';
import { type Answer, clientRedirect, jsonOf } from './answer.js';
import { type Expectations, expectInvariants } from './invariants.js';
import type { ProxyFlow } from './proxy-flow.js';
import type { AuthorizationRequest } from './request-builders.js';

export { expectInvariants };

type Issuing = Pick<ProxyFlow, 'issuer'>;

/** `E400` of the matrix (or 403): a page or JSON for this browser alone, and no way onward. */
export function expectLocalRefusal(answer: Answer, flow: Issuing, status: 400 | 403 = 400): void {
  expectInvariants(answer, { issuer: flow.issuer });
  expect(answer.headers['location']).toBeUndefined();
  expect(answer.status).toBe(status);
}

/** `R(error)`: the validated redirect URI gets the error. */
export function expectRedirectError(
  answer: Answer,
  flow: Issuing,
  request: Pick<AuthorizationRequest, 'state'>,
  error: string,
): void {
  expectInvariants(answer, { issuer: flow.issuer, state: request.state });
  expect([302, 303]).toContain(answer.status);
  const location = String(answer.headers['location']);
  expect(location.split('?')[0]).toBe(clientRedirect);
  expect(new URL(location).searchParams.get('error')).toBe(error);
  expect(new URL(location).searchParams.has('code')).toBe(false);
}

/** `T400(error)` or `T401(error)`: no token, and the error as JSON. */
export function expectTokenError(
  answer: Answer,
  flow: Issuing,
  error: string,
  status: 400 | 401 | 413 = 400,
): void {
  expectInvariants(answer, { issuer: flow.issuer });
  expect({ status: answer.status, error: (jsonOf(answer) as { error: unknown }).error }).toEqual({
    status,
    error,
  });
  const members = Object.keys(jsonOf(answer) as object);
  expect(members.filter((m) => m !== 'error' && m !== 'error_description')).toEqual([]);
}

/** `D400(error)` of RFC 7591. */
export function expectRegistrationError(answer: Answer, flow: Issuing, error: string): void {
  expectTokenError(answer, flow, error);
}

/** The request was taken: the browser is sent to the consent page. */
export function expectBegun(answer: Answer, flow: Issuing): void {
  expectInvariants(answer, { issuer: flow.issuer });
  expect(String(answer.headers['location'])).toMatch(
    new RegExp(`^${flow.issuer}/consent\\?txn=[\\w-]{43}$`),
  );
}

/** U4: whatever happens in the action, the store is the same before and after. */
export async function expectStoreUntouched<T>(
  flow: ProxyFlow<IdpBehind>,
  action: () => Promise<T>,
): Promise<T> {
  const before = flow.app.store.snapshot();
  const result = await action();
  expect(flow.app.store.snapshot()).toBe(before);
  return result;
}

/** The last answer of a navigation; where it was stopped, the redirect that led there. */
export function answerOf(visit: Visit): Answer {
  const hop = visit.history.at(-1) as Hop;
  return {
    url: hop.url,
    method: hop.method,
    status: hop.status,
    headers: hop.headers,
    text: visit.html,
  };
}

/** The invariants of everything the app answered in a navigation. */
export function expectVisitInvariants(visit: Visit, wanted: Expectations): void {
  for (const hop of visit.history) {
    if (!hop.url.startsWith(wanted.issuer)) continue;
    const { url, method, status, headers } = hop;
    const text = hop === visit.history.at(-1) ? visit.html : '';
    expectInvariants({ url, method, status, headers, text }, wanted);
  }
}
