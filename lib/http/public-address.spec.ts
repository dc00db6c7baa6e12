import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { propertyRuns } from '../../test/support/property-runs.js';
import { isPublicAddress } from './public-address.js';

const options = { numRuns: propertyRuns() };

/** An oracle that knows nothing of the code: bits, and the registries of RFC 6890 as IANA has them. */
type Block = readonly [first: bigint, prefix: number];

const SPECIAL_IPV4: readonly Block[] = [
  [0x00_00_00_00n, 8], // this network
  [0x0a_00_00_00n, 8], // private use
  [0x64_40_00_00n, 10], // shared, behind carriers
  [0x7f_00_00_00n, 8], // loopback
  [0xa8_3f_81_10n, 32], // the host of Azure
  [0xa9_fe_00_00n, 16], // link local, metadata services
  [0xac_10_00_00n, 12], // private use
  [0xc0_00_00_00n, 24], // protocol assignments
  [0xc0_00_02_00n, 24], // documentation
  [0xc0_1f_c4_00n, 24], // AS112
  [0xc0_34_c1_00n, 24], // AMT
  [0xc0_58_63_00n, 24], // 6to4 relays
  [0xc0_a8_00_00n, 16], // private use
  [0xc0_af_30_00n, 24], // AS112
  [0xc6_12_00_00n, 15], // benchmarks
  [0xc6_33_64_00n, 24], // documentation
  [0xcb_00_71_00n, 24], // documentation
  [0xe0_00_00_00n, 4], // multicast
  [0xf0_00_00_00n, 4], // reserved
  [0xff_ff_ff_ffn, 32], // broadcast
];

const SPECIAL_IPV6: readonly Block[] = [
  [0n, 3], // unspecified, loopback, IPv4-mapped, -compatible and -translated, local NAT64, discard
  [0x2001n << 112n, 32], // Teredo
  [0x20010002n << 96n, 48], // benchmarks
  [0x20010010n << 96n, 28], // ORCHID
  [0x20010020n << 96n, 28], // ORCHIDv2
  [0x2001n << 112n, 23], // protocol assignments
  [0x20010db8n << 96n, 32], // documentation
  [0x2002n << 112n, 16], // 6to4
  [0x2620004f8000n << 80n, 48], // AS112
  [0x3fffn << 112n, 20], // documentation
  [0x4000n << 112n, 3], // unassigned
  [0x5f00n << 112n, 16], // segment routing
  [0x6000n << 112n, 3],
  [0x8000n << 112n, 3],
  [0xa000n << 112n, 3],
  [0xc000n << 112n, 3],
  [0xe000n << 112n, 3],
  [0xfc00n << 112n, 7], // unique local
  [0xfe80n << 112n, 10], // link local
  [0xfec0n << 112n, 10], // site local
  [0xff00n << 112n, 8], // multicast
];

const NAT64 = 0x64ff9bn << 96n;
const LOW_32 = 0xffff_ffffn;

const isIn = (value: bigint, [first, prefix]: Block, bits: number): boolean =>
  value >> BigInt(bits - prefix) === first >> BigInt(bits - prefix);

const isPublic4 = (value: bigint): boolean => !SPECIAL_IPV4.some((b) => isIn(value, b, 32));

function isPublic6(value: bigint): boolean {
  if (value >> 32n === NAT64 >> 32n) return isPublic4(value & LOW_32);
  if (SPECIAL_IPV6.some((block) => isIn(value, block, 128))) return false;
  const isIsatap = ((value >> 32n) & 0xfcff_ffffn) === 0x0000_5efen;
  return !isIsatap || isPublic4(value & LOW_32);
}

const text4 = (value: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');

function groups(value: bigint): string[] {
  return Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
}

const text6 = (value: bigint): string => groups(value).join(':');

/** The spellings of RFC 4291 §2.2, and the canonical one of RFC 5952. */
const spellings6 = (value: bigint): string[] => [
  text6(value),
  text6(value).toUpperCase(),
  groups(value)
    .map((group) => group.padStart(4, '0'))
    .join(':'),
  `${groups(value).slice(0, 6).join(':')}:${text4(value & LOW_32)}`,
  new URL(`http://[${text6(value)}]`).hostname.slice(1, -1),
];

/** Numbers of that many bits: any, those of the blocks, and those beside their edges. */
function addresses(bits: number, blocks: readonly Block[]): fc.Arbitrary<bigint> {
  const all = fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
  const near = fc
    .tuple(fc.constantFrom(...blocks), all, fc.constantFrom(-1n, 0n, 1n), fc.boolean())
    .map(([[first, prefix], random, off, isAtEdge]) => {
      const size = 1n << BigInt(bits - prefix);
      const inside = isAtEdge ? (off < 0n ? 0n : size - 1n) + off : random % size;
      return BigInt.asUintN(bits, first + inside);
    });
  return fc.oneof(all, near);
}

const ipv4 = addresses(32, SPECIAL_IPV4);
const nonPublicIpv4 = ipv4.filter((value) => !isPublic4(value));
const ipv6 = fc.oneof(
  addresses(128, [...SPECIAL_IPV6, [NAT64, 96], [0x64ff9b0001n << 80n, 48]]),
  fc.tuple(fc.constantFrom(0n, 0x0100n, 0x0200n, 0x0300n, 0x0400n), ipv4).map(isatap),
  ipv4.map((v4) => NAT64 | v4),
);

/** On a network that is public. */
function isatap([group, v4]: readonly [bigint, bigint]): bigint {
  return (0x2606_4700n << 96n) | (group << 48n) | (0x5efen << 32n) | v4;
}

/** Every form that embeds an IPv4 address, with the section that defines it. */
const EMBEDDED: readonly [string, (v4: bigint) => bigint][] = [
  ['IPv4-mapped, RFC 4291 §2.5.5.2', (v4) => (0xffffn << 32n) | v4],
  ['IPv4-compatible, RFC 4291 §2.5.5.1', (v4) => v4],
  ['IPv4-translated, RFC 2765 §2.1', (v4) => (0xffffn << 48n) | v4],
  ['6to4, RFC 3056 §2', (v4) => (0x2002n << 112n) | (v4 << 80n) | 1n],
  ['Teredo server, RFC 4380 §4', (v4) => (0x2001n << 112n) | (v4 << 64n) | 0xf7f7_f7f7n],
  ['Teredo client, RFC 4380 §4', (v4) => (0x2001n << 112n) | (0x0808_0808n << 64n) | (v4 ^ LOW_32)],
  ['NAT64, RFC 6052 §2.1', (v4) => NAT64 | v4],
  [
    'local NAT64, RFC 8215 and RFC 6052 §2.2',
    (v4) => (0x64ff9b0001n << 80n) | ((v4 >> 16n) << 64n) | ((v4 & 0xffffn) << 40n),
  ],
  ['ISATAP, RFC 5214 §6.1', (v4) => isatap([0n, v4])],
  ['ISATAP of a global address, RFC 5214 §6.1', (v4) => isatap([0x0200n, v4])],
];

describe('isPublicAddress', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '93.184.215.14',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2001:4860:4860::8888',
    '2001:200::1',
    '2a00:1450:4001:80b::200e',
    '3ffe::1',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
    '2606:4700::5efe:8.8.8.8',
    '2606:4700::400:5efe:7f00:1',
  ])('takes %s for public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.0.9',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.0.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::8.8.8.8',
    '::ffff:8.8.8.8',
    '::ffff:0:8.8.8.8',
    '64:ff9b::10.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:0:0:0:1:808:808',
    '64:ff9b:1::8.8.8.8',
    '100::1',
    '2001::1',
    '2001:0:808:808::1',
    '2001:2::1',
    '2001:4:112::1',
    '2001:10::1',
    '2001:20::1',
    '2001:1ff:ffff::1',
    '2001:db8::1',
    '2002:808:808::1',
    '2620:4f:8000::1',
    '3fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '2606:4700::5efe:10.0.0.1',
    '2606:4700::200:5efe:7f00:1',
    '2606:4700::100:5efe:a9fe:a9fe',
  ])('does not take %s for public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '',
    ' 8.8.8.8',
    '8.8.8.8 ',
    '8.8.8.8\n',
    '8.8.8',
    '8.8.2056',
    '134744072',
    '0x8.8.8.8',
    '08.8.8.8',
    '010.8.8.8',
    '8.8.8.256',
    '8.8.8.8.8',
    '8.8.8.8.',
    '８.8.8.8',
    '8.8.8.8:443',
    '8.8.8.8/32',
    '[2606:4700::1111]',
    '2606:4700::1111%eth0',
    '2606:4700::1111%1',
    '2606:4700::1111%',
    '2606:4700::1111/128',
    '2606::4700::1111',
    '2606:4700:1:2:3:4:5:6:7',
    '2606:4700:1:2:3:4:5',
    '02606:4700::1111',
    '2606:4700::g',
    '64:ff9b::8.8.8.08',
    'good.test',
  ])('takes nothing else for an address: %j', (text) => {
    expect(isPublicAddress(text)).toBe(false);
  });

  it('agrees with the registries on IPv4', () => {
    fc.assert(
      fc.property(ipv4, (value) => isPublicAddress(text4(value)) === isPublic4(value)),
      options,
    );
  });

  it('agrees with the registries on IPv6, in every spelling', () => {
    fc.assert(
      fc.property(ipv6, (value) => {
        const verdicts = new Set(spellings6(value).map((text) => isPublicAddress(text)));
        expect([...verdicts]).toEqual([isPublic6(value)]);
      }),
      options,
    );
  });

  it.each(EMBEDDED)('is not deceived by a private address in the form %s', (_form, embed) => {
    fc.assert(
      fc.property(nonPublicIpv4, (v4) => !isPublicAddress(text6(embed(v4)))),
      options,
    );
  });

  it('refuses an address with a zone', () => {
    fc.assert(
      fc.property(ipv6, fc.stringMatching(/^[0-9A-Za-z]{0,8}$/), (value, zone) => {
        expect(isPublicAddress(`${text6(value)}%${zone}`)).toBe(false);
      }),
      options,
    );
  });

  it('refuses everything that is no address, whatever it is', () => {
    const almost = fc
      .tuple(fc.oneof(ipv4.map(text4), ipv6.map(text6)), fc.nat(40), fc.string({ maxLength: 3 }))
      .map(([text, at, junk]) => text.slice(0, at) + junk + text.slice(at));
    const plain =
      /^(?:(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$/;
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => {
        expect(isPublicAddress(text) && !plain.test(text)).toBe(false);
      }),
      options,
    );
  });
});
