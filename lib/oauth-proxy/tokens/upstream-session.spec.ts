import { describe, expect, it } from '@jest/globals';
import { renewedSession, toUpstreamSession } from './upstream-session.js';

const now = 1_000_000;

describe('toUpstreamSession', () => {
  it.each([
    ['an hour', 3600, 3600, 3540],
    ['five minutes', 300, 300, 240],
    ['four minutes', 240, 240, 180],
    ['a minute', 60, 60, 45],
    ['three seconds', 3, 3, 3],
    ['a second and a half', 1.5, 1, 1],
  ])('refreshes a token of %s shortly before its end', (_name, seconds, expires, refresh) => {
    const session = toUpstreamSession({ accessToken: 'a', expiresInSeconds: seconds }, now);
    expect(session.expiresAt).toBe(now + expires);
    expect(session.refreshAt).toBe(now + refresh);
  });

  it.each([undefined, 0, -5, 0.5])('takes a token of %p seconds to last', (expiresInSeconds) => {
    const session = toUpstreamSession({ accessToken: 'a', expiresInSeconds }, now);
    expect([session.expiresAt, session.refreshAt]).toEqual([undefined, undefined]);
  });

  it('keeps tokens and scopes', () => {
    const tokens = { accessToken: 'a', refreshToken: 'r', grantedScopes: ['x'] };
    expect(toUpstreamSession(tokens, now)).toMatchObject(tokens);
  });
});

describe('renewedSession', () => {
  const before = toUpstreamSession(
    { accessToken: 'a1', refreshToken: 'r1', expiresInSeconds: 300, grantedScopes: ['x', 'y'] },
    now,
  );

  it('has what the upstream sent anew', () => {
    const tokens = { accessToken: 'a2', refreshToken: 'r2', grantedScopes: ['x'] };
    const after = renewedSession(before, { ...tokens, expiresInSeconds: 600 }, now + 500);
    expect(after).toEqual({ ...tokens, expiresAt: now + 1100, refreshAt: now + 1040 });
  });

  it('keeps the refresh token and the scopes when nothing is said of them — RFC 6749 §6', () => {
    const after = renewedSession(before, { accessToken: 'a2' }, now + 500);
    expect(after).toMatchObject({ refreshToken: 'r1', grantedScopes: ['x', 'y'] });
  });

  it('does not keep the end of the old access token', () => {
    const after = renewedSession(before, { accessToken: 'a2' }, now + 500);
    expect([after.expiresAt, after.refreshAt]).toEqual([undefined, undefined]);
  });

  it('takes no scopes for an answer, too', () => {
    const after = renewedSession(before, { accessToken: 'a2', grantedScopes: [] }, now);
    expect(after.grantedScopes).toEqual([]);
  });
});
