import * as oauth from 'oauth4webapi';
import type { Clock } from '../../common/clock.js';
import { UpstreamError } from '../../common/errors.js';
import { isLoopbackHost } from '../../http/loopback.js';
import type { OutboundClient } from '../../http/outbound.js';
import { upstreamFailure } from './upstream-failure.js';

const maxAgeSeconds = 3600;

/** The provider's metadata: fetched when first needed, kept for an hour, one fetch at a time. */
export class OidcDiscovery {
  #known: { server: oauth.AuthorizationServer; at: number } | undefined;
  #fetching: Promise<oauth.AuthorizationServer> | undefined;

  constructor(
    private readonly issuer: string,
    private readonly outbound: OutboundClient,
    private readonly clock: Clock,
  ) {}

  /** @throws UpstreamError; a failure is not remembered. */
  async metadata(): Promise<oauth.AuthorizationServer> {
    if (this.#known && this.clock.now() - this.#known.at < maxAgeSeconds) return this.#known.server;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    try {
      return await this.#fetching;
    } catch (error) {
      // Old metadata is as good as it was; a discovery outage alone must not stop logins.
      if (this.#known) return this.#known.server;
      throw error;
    }
  }

  async #fetch(): Promise<oauth.AuthorizationServer> {
    try {
      const issuer = new URL(this.issuer);
      const response = await oauth.discoveryRequest(issuer, {
        algorithm: 'oidc',
        [oauth.customFetch]: (url, init) =>
          this.outbound.fetch(url, init as unknown as RequestInit),
        [oauth.allowInsecureRequests]: true,
      });
      const server = await oauth.processDiscoveryResponse(issuer, response);
      assertUsable(server);
      this.#known = { server, at: this.clock.now() };
      return server;
    } catch (error) {
      throw upstreamFailure(error);
    }
  }
}

/** What a poisoned document could make of us: RFC 8414 §3.3 and §6.2. */
function assertUsable(server: oauth.AuthorizationServer): void {
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
    const url = server[name];
    if (url === undefined || !isSecure(url)) {
      throw new UpstreamError(`the discovery document has no usable ${name}`, 'transient');
    }
  }
}

function isSecure(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  if (username || password) return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname));
}
