import { isIP } from 'node:net';
import { OutboundError } from './outbound-error.js';

/** What a stranger's URL may look like. */
export interface PublicUrlRules {
  readonly allowedPorts: readonly number[];
  readonly isPublicAddress: (address: string) => boolean;
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+$/;
const NAMES_OF_LOCAL_NETWORKS = /\.(?:localhost|local|internal|home\.arpa)$/;

/**
 * The URL of what may be a host of the public Internet: https, without credentials, on an allowed
 * port, at a public address or at a name that is not one of local networks only.
 * @throws OutboundError
 * @see RFC 6761 §6.3, RFC 6762 §3, RFC 8375 §3
 */
export function publicUrl(text: string, rules: PublicUrlRules): URL {
  const url = parsed(text);
  if (!url) throw refusal('The URL is not absolute.');
  if (url.protocol !== 'https:') throw refusal(`${url.origin} is not served over https.`);
  if (url.username || url.password) throw refusal(`The URL of ${url.origin} holds credentials.`);
  if (!rules.allowedPorts.includes(Number(url.port || 443))) {
    throw refusal(`The port of ${url.origin} is not allowed.`);
  }
  const host = hostOf(url);
  const isPublic = isIP(host) === 0 ? isPublicName(host) : rules.isPublicAddress(host);
  if (!isPublic) throw refusal(`${url.origin} is not a host of the public Internet.`);
  return url;
}

// On Node 20 `URL.canParse`, once optimized, refuses some hosts with letters beyond ASCII.
function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** The host of a URL as sockets want it: an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/[[\]]/g, '');
}

/** A name of a single label, and one that ends in a dot, is nobody's public name. */
function isPublicName(host: string): boolean {
  return HOST_NAME.test(host) && !NAMES_OF_LOCAL_NETWORKS.test(host);
}

function refusal(text: string): OutboundError {
  return new OutboundError(text, 'address');
}
