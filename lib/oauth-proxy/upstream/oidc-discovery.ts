import type * as oauth from 'oauth4webapi';
import { UpstreamError } from '../../common/errors.js';
import type { OutboundClient } from '../../http/outbound.js';
import { fetchMetadata, isEndpointOf } from '../../verifiers/issuer-metadata.js';
import type { UpstreamHost } from './upstream.js';
import { loginFailure } from './upstream-failure.js';

const maxAgeSeconds = 3600;

/** The provider's metadata: fetched when first needed, kept for an hour, one fetch at a time. */
export class OidcDiscovery {
  #known: { server: oauth.AuthorizationServer; at: number } | undefined;
  #fetching: Promise<oauth.AuthorizationServer> | undefined;

  constructor(
    private readonly issuer: string,
    private readonly outbound: OutboundClient,
    private readonly host: Pick<UpstreamHost, 'baseUrl' | 'clock'>,
  ) {}

  /** @throws UpstreamError when it is not known yet and cannot be had; that is not remembered. */
  async metadata(): Promise<oauth.AuthorizationServer> {
    const known = this.#known;
    if (!known) return this.#refetch();
    if (this.host.clock.now() - known.at >= maxAgeSeconds) {
      // Old metadata is as good as it was: no login or refresh waits for a slow discovery.
      this.#refetch().catch(() => {});
    }
    return known.server;
  }

  #refetch(): Promise<oauth.AuthorizationServer> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<oauth.AuthorizationServer> {
    try {
      const server = await fetchMetadata(this.issuer, 'oidc', this.outbound);
      this.#assertUsable(server);
      this.#known = { server, at: this.host.clock.now() };
      return server;
    } catch (error) {
      throw loginFailure(error);
    }
  }

  /** What a poisoned document could make of us: RFC 8414 §3.3 and §6.2. */
  #assertUsable(server: oauth.AuthorizationServer): void {
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
      if (server[name] === undefined) throw unusable(name);
    }
    for (const name of endpointNames) {
      const url = server[name];
      if (url !== undefined && !this.#isAcceptable(url)) throw unusable(name);
    }
  }

  #isAcceptable(url: string): boolean {
    if (!isEndpointOf(url, this.issuer)) return false;
    return new URL(url).origin !== new URL(this.host.baseUrl).origin;
  }
}

const endpointNames = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'revocation_endpoint',
  'userinfo_endpoint',
] as const;

function unusable(name: string): UpstreamError {
  return new UpstreamError(`the discovery document has no usable ${name}`, 'transient');
}
