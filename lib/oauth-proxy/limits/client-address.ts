import { isIP } from 'node:net';
import type { EndpointRequest } from '../../http/endpoint.js';
import { isPublicAddress } from '../../http/public-address.js';

/** One IP address in its only spelling. */
export interface Address {
  readonly text: string;
  readonly family: 'ipv4' | 'ipv6';
}

/** Whom a request is counted for. */
export interface ClientAddress {
  /** An IPv4 address, the /64 of an IPv6 address, or `unknown`. */
  readonly subject: string;
  /** The address itself; undefined when it is not known. */
  readonly address: Address | undefined;
  /** True when any number of clients may stand behind it. */
  readonly isShared: boolean;
}

/**
 * The address a request is counted for. A subscriber of IPv6 has at least 2^64 addresses (RFC 6177),
 * so they count as one. An address that is not of the public Internet may well be that of a proxy of
 * which nobody told the host, and then it is everybody's.
 */
export function clientAddress({ remoteAddress }: EndpointRequest): ClientAddress {
  const address = parseAddress(remoteAddress);
  if (!address) return { subject: 'unknown', address, isShared: true };
  const { text, family } = address;
  return {
    subject: family === 'ipv4' ? text : networkOf(text),
    address,
    isShared: !isPublicAddress(text),
  };
}

/**
 * Reads an address, with the zone, brackets or port that hosts and proxies leave on it. An IPv4
 * address inside an IPv6 one (RFC 4291 §2.5.5.2, RFC 6052 §2.1) is that IPv4 address.
 */
export function parseAddress(text: string | undefined): Address | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text ?? '')?.[1] ?? text ?? '';
  const ipv4 = /^([\d.]+)(?::\d+)?$/.exec(bare)?.[1] ?? '';
  if (isIP(ipv4) === 4) return { text: ipv4, family: 'ipv4' };
  const [ipv6 = ''] = bare.split('%');
  if (isIP(ipv6) !== 6) return undefined;
  // A URL parser knows but one spelling of an address.
  const canonical = new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
  const embedded = /^(?:::ffff|64:ff9b:):([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical);
  if (!embedded) return { text: canonical, family: 'ipv6' };
  const [high = 0, low = 0] = embedded.slice(1).map((group) => Number.parseInt(group, 16));
  return { text: [high >> 8, high & 255, low >> 8, low & 255].join('.'), family: 'ipv4' };
}

/** The first four groups of a canonical address, and what says that the rest does not count. */
function networkOf(ipv6: string): string {
  const [head = '', tail = ''] = ipv6.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = ipv6.includes('::') ? 8 - before.length - after.length : 0;
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
