import { describe, expect, it } from '@jest/globals';
import {
  exemptNetworks,
  rateLimitIssues,
  type RateLimits,
  resolveRateLimit,
} from './rate-limit-options.js';

const half = { max: 5, windowSeconds: 10 };

describe('resolveRateLimit', () => {
  it('has the defaults that are documented', () => {
    for (const given of [undefined, {}, { registrations: undefined }]) {
      expect(resolveRateLimit(given, 'registrations')).toEqual({ max: 60, windowSeconds: 60 });
      expect(resolveRateLimit(given, 'authorizations')).toEqual({ max: 600, windowSeconds: 600 });
      expect(resolveRateLimit(given, 'documentLookups')).toEqual({ max: 60, windowSeconds: 600 });
      expect(resolveRateLimit(given, 'failedAuthentications')).toEqual({
        max: 20,
        windowSeconds: 300,
      });
    }
  });

  it('takes one limit, or all, away', () => {
    expect(resolveRateLimit(false, 'registrations')).toBeUndefined();
    expect(resolveRateLimit({ registrations: false }, 'registrations')).toBeUndefined();
    expect(resolveRateLimit({ registrations: false }, 'authorizations')).toBeDefined();
    expect(resolveRateLimit({ registrations: half }, 'registrations')).toEqual(half);
  });
});

describe('exemptNetworks', () => {
  it('holds addresses and networks of both families', () => {
    const exemptAddresses = ['1.2.3.4', '5.6.0.0/16', '2600:1::/32', '2601::1'];
    const list = exemptNetworks({ exemptAddresses });
    expect(list.check('1.2.3.4')).toBe(true);
    expect(list.check('1.2.3.5')).toBe(false);
    expect(list.check('5.6.7.8')).toBe(true);
    expect(list.check('5.7.7.8')).toBe(false);
    expect(list.check('2600:1:2::3', 'ipv6')).toBe(true);
    expect(list.check('2600:2::3', 'ipv6')).toBe(false);
    expect(list.check('2601::1', 'ipv6')).toBe(true);
    expect(list.check('2601::2', 'ipv6')).toBe(false);
  });

  it.each([undefined, false, {}] as const)('is empty for %p', (given) => {
    expect(exemptNetworks(given).rules).toEqual([]);
  });
});

describe('rateLimitIssues', () => {
  const paths = (given: unknown): readonly string[] =>
    rateLimitIssues(given, 'server.rateLimits').map(({ path }) => path);

  it.each<[RateLimits | false | undefined]>([
    [undefined],
    [false],
    [{}],
    [{ registrations: false, authorizations: half, failedAuthentications: undefined }],
    [{ exemptAddresses: [] }],
    [{ exemptAddresses: ['160.79.104.0/21', '1.2.3.4', '2607:6bc0::/48'] }],
    [{ registrations: { max: 1, windowSeconds: 1 } }],
    [{ registrations: { max: 100_000, windowSeconds: 86_400 } }],
  ])('finds nothing wrong with %j', (given) => {
    expect(paths(given)).toEqual([]);
  });

  it.each([
    [true, ''],
    [7, ''],
    [null, ''],
    [{ tokens: half }, '.tokens'],
    [{ registrations: true }, '.registrations'],
    [{ registrations: 5 }, '.registrations'],
    [{ registrations: { max: 5 } }, '.registrations.windowSeconds'],
    [{ registrations: { ...half, max: 0 } }, '.registrations.max'],
    [{ registrations: { ...half, max: 1.5 } }, '.registrations.max'],
    [{ registrations: { ...half, max: '5' } }, '.registrations.max'],
    [{ registrations: { ...half, max: 100_001 } }, '.registrations.max'],
    [{ registrations: { ...half, windowSeconds: 86_401 } }, '.registrations.windowSeconds'],
    [{ authorizations: { ...half, burst: 1 } }, '.authorizations.burst'],
    [{ exemptAddresses: '1.2.3.4' }, '.exemptAddresses'],
    [{ exemptAddresses: ['1.2.3.4', 'example.com'] }, '.exemptAddresses[1]'],
    [{ exemptAddresses: ['1.2.3.4/33'] }, '.exemptAddresses[0]'],
    [{ exemptAddresses: ['0.0.0.0/0'] }, '.exemptAddresses[0]'],
    [{ exemptAddresses: ['::/0'] }, '.exemptAddresses[0]'],
    [{ exemptAddresses: ['::ffff:1.2.3.0/120'] }, '.exemptAddresses[0]'],
    [{ exemptAddresses: ['1.2.3.4:80'] }, '.exemptAddresses[0]'],
    [{ exemptAddresses: ['[::1]'] }, '.exemptAddresses[0]'],
    [{ exemptAddresses: [4] }, '.exemptAddresses[0]'],
  ])('refuses %j', (given, path) => {
    expect(paths(given)).toEqual([`server.rateLimits${path}`]);
  });
});
