import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { propertyRuns } from '../../../test/support/property-runs.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { clientAddress, parseAddress } from './client-address.js';

function from(remoteAddress: string | undefined, headers: Record<string, string> = {}) {
  const request = { method: 'POST', path: '/', rawQuery: '', headers, body: '', remoteAddress };
  const { subject, isShared } = clientAddress(request satisfies EndpointRequest);
  return isShared ? `${subject} (shared)` : subject;
}

describe('clientAddress', () => {
  it.each([
    ['8.8.8.8', '8.8.8.8'],
    ['8.8.8.8:443', '8.8.8.8'],
    ['::ffff:8.8.8.8', '8.8.8.8'],
    ['::FFFF:0808:0808', '8.8.8.8'],
    ['[::ffff:8.8.8.8]:443', '8.8.8.8'],
    ['64:ff9b::8.8.8.8', '8.8.8.8'],
    ['2600:1:2:3:4:5:6:7', '2600:1:2:3::/64'],
    ['2600:1:2:3::', '2600:1:2:3::/64'],
    ['2600:0001:2:0003::9%eth0', '2600:1:2:3::/64'],
    ['[2600:1:2:3::9]', '2600:1:2:3::/64'],
    ['[2600:1:2:3::9]:443', '2600:1:2:3::/64'],
    ['2600:1::9', '2600:1:0:0::/64'],
    ['2600::1:0:0:0:9', '2600:0:0:1::/64'],
  ])('counts %s for %s', (remote, subject) => {
    expect(from(remote)).toBe(subject);
  });

  it.each(['127.0.0.1', '10.0.0.7', '192.168.1.1', '172.16.0.1', '169.254.1.1', '100.64.0.1'])(
    'knows that a proxy may have the address %s',
    (remote) => {
      expect(from(remote)).toBe(`${remote} (shared)`);
      expect(from(`::ffff:${remote}`)).toBe(`${remote} (shared)`);
    },
  );

  it.each(['::1', 'fe80::1%eth0', 'fd00::1'])('knows that a proxy may have %s', (remote) => {
    expect(from(remote)).toMatch(/::\/64 \(shared\)$/);
  });

  it.each([
    undefined,
    '',
    'unknown',
    '_hidden',
    '8.8.8',
    '8.8.8.8.8',
    '08.8.8.8',
    '2600:::1',
    ':1:',
  ])('does not know %p', (remote) => {
    expect(from(remote)).toBe('unknown (shared)');
  });

  it('hears nothing of what a request says about itself', () => {
    const headers = {
      'x-forwarded-for': '1.1.1.1',
      forwarded: 'for=1.1.1.1',
      'x-real-ip': '1.1.1.1',
    };
    expect(from('8.8.8.8', headers)).toBe('8.8.8.8');
    expect(from('127.0.0.1', headers)).toBe('127.0.0.1 (shared)');
  });

  it('counts a whole /64 as one, and no other with it', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
    const three = fc.tuple(group, group, group).map((groups) => groups.join(':'));
    const four = fc.tuple(group, group, group, group).map((groups) => groups.join(':'));
    fc.assert(
      fc.property(three, four, four, (network, one, other) => {
        expect(from(`2600:${network}:${one}`)).toBe(from(`2600:${network}:${other}`));
        expect(from(`2600:${network}:${one}`)).not.toBe(from(`2601:${network}:${one}`));
      }),
      { numRuns: propertyRuns() },
    );
  });
});

describe('parseAddress', () => {
  it('reads its own spelling back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseAddress(text);
        expect(address).toBeDefined();
        expect(parseAddress(address?.text)).toEqual(address);
      }),
      { numRuns: propertyRuns() },
    );
  });

  it('makes of any text an address or nothing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([undefined, 'ipv4', 'ipv6']).toContain(parseAddress(text)?.family);
      }),
      { numRuns: propertyRuns() },
    );
  });
});
