import * as oauth from 'oauth4webapi';
import { endpointUrlProblem } from '../http/endpoint-url.js';
import { isLoopbackHost } from '../http/loopback.js';
import { OutboundClient } from '../http/outbound.js';
import { OutboundError } from '../http/outbound-error.js';

const TIMEOUT_SECONDS = 5;
const MAX_BYTES = 256 * 1024;
const MAX_ISSUER_LENGTH = 2048;

type Outbound = Pick<OutboundClient, 'fetch'>;

/** What fetches the documents that issuers publish. */
export function publishedClient(customFetch: typeof fetch | undefined): OutboundClient {
  return new OutboundClient({
    timeoutSeconds: TIMEOUT_SECONDS,
    maxBytes: MAX_BYTES,
    ...(customFetch && { fetch: customFetch }),
  });
}

/**
 * What is wrong with an issuer identifier, or null: a URL, https but on loopback (RFC 8414 §2). It is
 * compared as it is written and called as it is parsed, so that both must be the same.
 */
export function issuerProblem(issuer: unknown): string | null {
  const problem = endpointUrlProblem(issuer);
  if (problem !== null) return problem;
  const text = issuer as string;
  // Also an empty query, which the parsed URL does not show.
  if (/[?#]/.test(text)) return 'must not have a query or a fragment';
  if (text.length > MAX_ISSUER_LENGTH) return 'is too long';
  const { href } = new URL(text);
  return href === text || href === `${text}/` ? null : 'must be written in its plain form';
}

/**
 * Where an issuer publishes its keys, as its metadata says: those of OpenID Connect, or else of RFC
 * 8414. They must name the issuer exactly as it was named, so that no server speaks for another.
 *
 * @throws {Error} when there are no such metadata, or they name no usable `jwks_uri`.
 */
export async function discoverJwksUri(issuer: string, outbound: Outbound): Promise<string> {
  const server = await discover(issuer, outbound);
  if (server.issuer !== issuer) throw new Error('the metadata are of another issuer');
  const { jwks_uri: uri } = server;
  if (!isEndpointOf(uri, issuer)) throw new Error('the metadata have no usable jwks_uri');
  return uri;
}

/** Fetches one kind of metadata and checks that they are the issuer's. */
export async function fetchMetadata(
  issuer: string,
  algorithm: 'oidc' | 'oauth2',
  outbound: Outbound,
): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, {
    algorithm,
    [oauth.customFetch]: (target, init) => outbound.fetch(target, init),
    // Which addresses may be plain http (loopback, and no other) is the transport's law.
    [oauth.allowInsecureRequests]: true,
  });
  return oauth.processDiscoveryResponse(url, response);
}

/** Tells whether an issuer may name the URL: only one on this machine may send us to this machine. */
export function isEndpointOf(url: string | undefined, issuer: string): url is string {
  if (url === undefined || endpointUrlProblem(url) !== null) return false;
  return !isLoopbackHost(new URL(url).hostname) || isLoopbackHost(new URL(issuer).hostname);
}

async function discover(issuer: string, outbound: Outbound): Promise<oauth.AuthorizationServer> {
  try {
    return await fetchMetadata(issuer, 'oidc', outbound);
  } catch (thrown) {
    // A server that does not answer has no other metadata either.
    if (thrown instanceof OutboundError) throw thrown;
    return fetchMetadata(issuer, 'oauth2', outbound).catch(() => {
      throw thrown;
    });
  }
}
