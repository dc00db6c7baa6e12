import { BlockList } from 'node:net';
import type { ConfigurationIssue } from '../../common/errors.js';
import { unknownOptionIssues } from '../../common/option-issues.js';
import { parseAddress } from './client-address.js';

/** How often something may happen. */
export interface RateLimit {
  /** How many times in one window; 1 to 100,000. */
  readonly max: number;
  /** The length of a window, in seconds; 1 to 86,400. Windows follow each other without overlap. */
  readonly windowSeconds: number;
}

/**
 * How often one address may ask: an IPv4 address, or the /64 of an IPv6 one, as the host reports it
 * (`trust proxy` on Express, `trustProxy` on Fastify). An address that is unknown, or not of the
 * public Internet, may be a proxy's: it may ask 50 times as often.
 */
export interface RateLimits {
  /**
   * Clients registered by one address. A hosted MCP client registers for all its users from a few.
   * @default 60 a minute
   */
  readonly registrations?: RateLimit | false | undefined;
  /** Logins begun from one address. @default 600 in 10 minutes */
  readonly authorizations?: RateLimit | false | undefined;
  /**
   * Documents (a client id that is a URL) and keys (a `jwks_uri`) of clients that nobody uses yet,
   * fetched for one address. @default 60 in 10 minutes
   */
  readonly documentLookups?: RateLimit | false | undefined;
  /** Wrong secrets or assertions sent for one client by one address. @default 20 in 5 minutes */
  readonly failedAuthentications?: RateLimit | false | undefined;
  /**
   * Addresses and networks (CIDR) without limits, such as those from which hosted MCP clients call.
   * @default none
   */
  readonly exemptAddresses?: readonly string[] | undefined;
}

/** What is limited. */
export type RateLimitName = keyof typeof defaultRateLimits;

const defaultRateLimits = {
  registrations: { max: 60, windowSeconds: 60 },
  authorizations: { max: 600, windowSeconds: 600 },
  documentLookups: { max: 60, windowSeconds: 600 },
  failedAuthentications: { max: 20, windowSeconds: 300 },
} as const satisfies Record<string, RateLimit>;

const names = Object.keys(defaultRateLimits) as RateLimitName[];
const bounds = { max: 100_000, windowSeconds: 86_400 } satisfies Record<keyof RateLimit, number>;

/** The limit in force; undefined when there is none. */
export function resolveRateLimit(
  given: RateLimits | false | undefined,
  name: RateLimitName,
): RateLimit | undefined {
  const limit = given === false ? false : (given?.[name] ?? defaultRateLimits[name]);
  return limit === false ? undefined : { ...limit };
}

/** The networks without limits. */
export function exemptNetworks(given: RateLimits | false | undefined): BlockList {
  const list = new BlockList();
  for (const text of (given || undefined)?.exemptAddresses ?? []) {
    const network = parseNetwork(text);
    if (network) list.addSubnet(network.text, network.prefix, network.family);
  }
  return list;
}

export function rateLimitIssues(given: unknown, path: string): ConfigurationIssue[] {
  if (given === undefined || given === false) return [];
  if (typeof given !== 'object' || given === null) {
    return [{ path, problem: 'must be false or an object of limits' }];
  }
  const limits = given as Record<string, unknown>;
  return [
    ...unknownOptionIssues(path, limits, [...names, 'exemptAddresses']),
    ...names.flatMap((name) => limitIssues(limits[name], `${path}.${name}`)),
    ...exemptionIssues(limits['exemptAddresses'], `${path}.exemptAddresses`),
  ];
}

function limitIssues(limit: unknown, path: string): ConfigurationIssue[] {
  if (limit === undefined || limit === false) return [];
  if (typeof limit !== 'object' || limit === null) {
    return [{ path, problem: 'must be false or { max, windowSeconds }' }];
  }
  const members = Object.entries(bounds).flatMap(([name, most]): ConfigurationIssue[] => {
    const value = (limit as Record<string, unknown>)[name];
    if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most) return [];
    return [{ path: `${path}.${name}`, problem: `must be a whole number, 1 to ${most}` }];
  });
  return [...unknownOptionIssues(path, limit, Object.keys(bounds)), ...members];
}

function exemptionIssues(list: unknown, path: string): ConfigurationIssue[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) return [{ path, problem: 'must be a list of addresses and networks' }];
  return list.flatMap((text: unknown, i) =>
    typeof text === 'string' && parseNetwork(text)
      ? []
      : [
          {
            path: `${path}[${i}]`,
            problem: 'must be an address or a network such as 192.0.2.0/24',
          },
        ],
  );
}

function parseNetwork(text: string) {
  const [, base, prefix] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const address = parseAddress(base);
  if (!address || (address.family === 'ipv4' && address.text !== base)) return undefined;
  const bits = address.family === 'ipv4' ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  // A network of everybody would be a limit that nobody has.
  return length >= 1 && length <= bits ? { ...address, prefix: length } : undefined;
}
