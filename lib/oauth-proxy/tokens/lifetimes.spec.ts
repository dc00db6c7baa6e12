import { describe, expect, it } from '@jest/globals';
import { lifetimeIssues, resolveLifetimes } from './lifetimes.js';

const day = 86_400;

describe('resolveLifetimes', () => {
  it('has the defaults of the design', () => {
    expect(resolveLifetimes(undefined)).toEqual({
      transaction: 600,
      authorizationCode: 120,
      accessToken: undefined,
      fallbackAccessToken: 3600,
      refreshTokenIdle: 30 * day,
      refreshTokenAbsolute: 365 * day,
      refreshGrace: 10,
      unusedClient: 90 * day,
      upstreamRefreshMargin: 60,
      unconfirmedClient: 7 * day,
      rememberedConsent: 30 * day,
    });
  });

  it('takes what is given, and the default for what is undefined', () => {
    const lifetimes = resolveLifetimes({ refreshGrace: 0, transaction: undefined as never });
    expect(lifetimes).toMatchObject({ refreshGrace: 0, transaction: 600 });
  });

  it('has all the defaults when every member is undefined', () => {
    const defaults = resolveLifetimes(undefined);
    const given = Object.fromEntries(Object.keys(defaults).map((name) => [name, undefined]));
    expect(resolveLifetimes(given)).toEqual(defaults);
    expect(lifetimeIssues(given, 'l')).toEqual([]);
  });
});

describe('lifetimeIssues', () => {
  it.each([
    ['nothing', {}],
    ['the shortest', { transaction: 30, authorizationCode: 5, accessToken: 5, refreshGrace: 0 }],
    [
      'the longest',
      { transaction: 3600, authorizationCode: 600, accessToken: day, refreshGrace: 60 },
    ],
    ['undefined', { accessToken: undefined }],
  ])('finds nothing wrong with %s', (_name, given) => {
    expect(lifetimeIssues(given, 'lifetimes')).toEqual([]);
  });

  it.each([
    ['transaction', 29],
    ['transaction', 3601],
    ['authorizationCode', 4],
    ['authorizationCode', 601],
    ['accessToken', 4],
    ['accessToken', day + 1],
    ['refreshGrace', -1],
    ['refreshGrace', 61],
    ['upstreamRefreshMargin', -1],
    ['upstreamRefreshMargin', 3601],
    ['fallbackAccessToken', 86_401],
    ['refreshTokenIdle', 0],
    ['refreshTokenAbsolute', Infinity],
    ['unusedClient', 60],
    ['unconfirmedClient', 3599],
    ['rememberedConsent', 400 * day + 1],
    ['transaction', 60.5],
    ['transaction', Number.NaN],
    ['transaction', '600'],
  ])('refuses %s of %p', (name, value) => {
    const issues = lifetimeIssues({ [name]: value }, 'server.lifetimes');
    expect(issues.map((i) => i.path)).toEqual([`server.lifetimes.${name}`]);
  });

  it('refuses a name that it does not know', () => {
    expect(lifetimeIssues({ refresh: 5 } as never, 'l')).toEqual([
      { path: 'l.refresh', problem: 'is not an option' },
    ]);
  });

  it('refuses clients that would expire under their users', () => {
    const given = { unusedClient: 10 * day, refreshTokenIdle: 20 * day };
    expect(lifetimeIssues(given, 'l').map((i) => i.path)).toEqual(['l.unusedClient']);
    expect(lifetimeIssues({ ...given, unusedClient: 20 * day }, 'l')).toEqual([]);
    // Also against the default of the other.
    expect(lifetimeIssues({ unusedClient: day }, 'l').map((i) => i.path)).toEqual([
      'l.unusedClient',
    ]);
    expect(lifetimeIssues({ refreshTokenIdle: 91 * day }, 'l').map((i) => i.path)).toEqual([
      'l.unusedClient',
    ]);
    expect(lifetimeIssues({ unusedClient: day, refreshTokenIdle: day }, 'l')).toEqual([]);
  });
});
