import { describe, expect, it } from '@jest/globals';
import { isDue, renewedSession, toUpstreamSession } from './upstream-session.js';

const now = 1_000_000;

describe('toUpstreamSession', () => {
  it.each([
    ['an hour', 3600, 3600],
    ['three seconds', 3, 3],
    ['a second and a half', 1.5, 1],
    ['a billion seconds', 1e9, 1e9],
  ])('says when a token of %s ends', (_name, seconds, expires) => {
    const session = toUpstreamSession({ accessToken: 'a', expiresInSeconds: seconds }, now);
    expect(session).toMatchObject({ obtainedAt: now, expiresAt: now + expires, generation: 0 });
  });

  it.each([undefined, 0, -5, 0.5])(
    'takes a token of %p seconds to last — CK-04',
    (expiresInSeconds) => {
      const session = toUpstreamSession({ accessToken: 'a', expiresInSeconds }, now);
      expect(session.expiresAt).toBeUndefined();
    },
  );

  it('keeps tokens and scopes', () => {
    const tokens = {
      accessToken: 'a',
      refreshToken: 'r',
      grantedScopes: ['x'],
      scopes: ['api://x'],
    };
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
    const times = { obtainedAt: now + 500, expiresAt: now + 1100 };
    expect(after).toEqual({ ...tokens, ...times, generation: 1 });
    expect(renewedSession(after, tokens, now).generation).toBe(2);
  });

  it('keeps the refresh token and the scopes when nothing is said of them — RFC 6749 §6', () => {
    const after = renewedSession(before, { accessToken: 'a2' }, now + 500);
    expect(after).toMatchObject({ refreshToken: 'r1', grantedScopes: ['x', 'y'] });
  });

  it('does not keep the end of the old access token', () => {
    const after = renewedSession(before, { accessToken: 'a2' }, now + 500);
    expect(after.expiresAt).toBeUndefined();
  });

  it('takes no scopes for an answer, too', () => {
    const after = renewedSession(before, { accessToken: 'a2', grantedScopes: [] }, now);
    expect(after.grantedScopes).toEqual([]);
  });
});

describe('isDue', () => {
  const lasting = (expiresInSeconds?: number, refreshToken: string | undefined = 'r') =>
    toUpstreamSession({ accessToken: 'a', refreshToken, expiresInSeconds }, now);

  it.each([
    ['an hour', 3600, 60, 3540],
    ['five minutes', 300, 60, 240],
    ['four minutes', 240, 60, 180],
    ['a minute', 60, 60, 45],
    ['three seconds', 3, 60, 3],
    ['an hour, with a long margin', 3600, 600, 3000],
    ['an hour, with a margin of all of it', 3600, 3600, 2700],
    ['an hour, with no margin', 3600, 0, 3600],
  ])('is so for a token of %s shortly before its end', (_name, seconds, margin, due) => {
    expect(isDue(lasting(seconds), margin, now + due - 1)).toBe(false);
    expect(isDue(lasting(seconds), margin, now + due)).toBe(true);
    expect(isDue(lasting(seconds), margin, now + due + 100_000)).toBe(true);
  });

  it('is never so for what has no end, or cannot be refreshed', () => {
    expect(isDue(lasting(undefined), 60, now + 1e9)).toBe(false);
    const alone = { ...lasting(300), refreshToken: undefined };
    expect(isDue(alone, 60, now + 1e9)).toBe(false);
  });
});
