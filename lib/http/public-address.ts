import { BlockList, isIPv4, isIPv6 } from 'node:net';

type Range = readonly [network: string, prefix: number];

/** Not one host on the public Internet each, or one that only some networks can see. */
const NOT_PUBLIC_IPV4: readonly Range[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // A host of Azure as its guests see it: no special-use range tells that it is internal.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** What hosts of the public Internet have; the other seven eighths are special or unassigned. */
const GLOBAL_UNICAST: Range = ['2000::', 3];

/** The addresses of the IPv4 Internet in a network that has none: the last 32 bits are one. */
const NAT64: Range = ['64:ff9b::', 96];

/** Within global unicast; Teredo and ORCHID are in the first, 6to4 is the third. */
const NOT_PUBLIC_IPV6: readonly Range[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

const notPublicIpv4 = rangesOf('ipv4', NOT_PUBLIC_IPV4);
const notPublicIpv6 = rangesOf('ipv6', NOT_PUBLIC_IPV6);
const globalUnicast = rangesOf('ipv6', [GLOBAL_UNICAST]);
const nat64 = rangesOf('ipv6', [NAT64]);

/**
 * Tells whether a text is the IP address of a host on the public Internet, in its plain spelling
 * and without a zone. Nothing of the special-purpose registries is, be it reachable or not, and no
 * IPv6 address that holds an IPv4 address is, unless by NAT64 or ISATAP that of a public host.
 * @see RFC 6890 and the IANA registries it made, RFC 4291 §2.4, RFC 6052 §2.1, RFC 5214 §6.1
 */
export function isPublicAddress(text: string): boolean {
  if (isIPv4(text)) return !notPublicIpv4.check(text);
  return isIPv6(text) && !text.includes('%') && isPublicIpv6(text);
}

function isPublicIpv6(text: string): boolean {
  if (nat64.check(text, 'ipv6')) return isPublicAddress(lastAsIpv4(groupsOf(text)));
  if (!globalUnicast.check(text, 'ipv6') || notPublicIpv6.check(text, 'ipv6')) return false;
  const groups = groupsOf(text);
  return !isIsatap(groups) || isPublicAddress(lastAsIpv4(groups));
}

/** The eight 16-bit groups of what is known to be an IPv6 address. */
function groupsOf(text: string): readonly number[] {
  // A URL gives the canonical spelling, which has no dotted part.
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = canonical
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))));
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** Whether the interface is named 0000:5efe; two bits of the first group say what it is unique in. */
function isIsatap(groups: readonly number[]): boolean {
  return ((groups[4] ?? 0) & ~0x0300) === 0 && groups[5] === 0x5efe;
}

function lastAsIpv4(groups: readonly number[]): string {
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

function rangesOf(family: 'ipv4' | 'ipv6', ranges: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
  return list;
}
