import type { KeyObject } from 'node:crypto';
import { BoundedMap } from '../../common/bounded-map.js';
import type { Clock } from '../../common/clock.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { OutboundError } from '../../http/outbound-error.js';
import type { OutboundClient } from '../../http/outbound.js';
import type { PublicOutbound } from '../../http/public-outbound.js';
import { keysFor, onlyKey, parseJwks } from '../../verifiers/jwks-document.js';
import { JwksSource } from '../../verifiers/jwks-source.js';
import { FetchBudget, type LookupLimit, strangersBudget, usersBudget } from './fetch-budget.js';
import type { Client } from './client.js';

const maxSources = 1000;
const maxStrangers = 100;
const sourceSeconds = 3600;
const maxDocumentBytes = 64 * 1024;

type JwksFetch = Pick<OutboundClient, 'fetch'>;

interface ClientKeySourcesDependencies {
  /** For the URLs of clients that the operator configured. */
  readonly outbound: JwksFetch;
  /** For the URLs that strangers gave. */
  readonly publicOutbound: PublicOutbound;
  /** Tells whether tokens were given to the client. */
  readonly isInUse: (client: Client) => boolean;
  /** For the URLs of clients that are not in use and never proved anything. */
  readonly lookups: LookupLimit;
  readonly clock: Clock;
  readonly events: MultiAuthEvents;
}

/** Keys at a `jwks_uri`; `isKnown` once they are those of a client that somebody uses. */
interface Published {
  readonly source: JwksSource;
  isKnown: boolean;
}

/**
 * Finds the keys that clients prove themselves with: given inline, or published at a `jwks_uri`.
 * Until a source has verified an assertion, or where nobody uses its client, it has its place and
 * its fetches among strangers, so that no crowd of them drives out the keys of others.
 */
export class ClientKeySources {
  readonly #known: BoundedMap<string, Published>;
  readonly #unproven: BoundedMap<string, Published>;
  readonly #strangers = new FetchBudget(strangersBudget);
  readonly #users = new FetchBudget(usersBudget);

  constructor(private readonly its: ClientKeySourcesDependencies) {
    const limits = { ttlSeconds: sourceSeconds, clock: its.clock };
    this.#known = new BoundedMap({ ...limits, maxEntries: maxSources });
    this.#unproven = new BoundedMap({ ...limits, maxEntries: maxStrangers });
  }

  /**
   * The one key of the client that fits; undefined when none does or several do.
   * @param request whose address is counted for a source that nothing is known of
   * @throws VerifierUnavailableError when the `jwks_uri` gives no keys; OAuthError with status 429
   * when the address had too much looked up
   */
  async find(
    client: Client,
    algorithm: string,
    kid: string | undefined,
    request: EndpointRequest,
  ): Promise<KeyObject | undefined> {
    if (client.jwks) return onlyKey(keysFor(parseJwks(client.jwks), algorithm, kid));
    if (client.jwksUri === undefined) return undefined;
    const { source } = await this.#published(client, client.jwksUri, request);
    return source.find(algorithm, kid);
  }

  /** Hears that a key of the client verified an assertion. */
  proved(client: Client): void {
    const key = keyOf(client);
    const published = this.#unproven.get(key);
    if (published) this.#know(key, published);
  }

  async #published(client: Client, uri: string, request: EndpointRequest): Promise<Published> {
    const key = keyOf(client);
    const isTrusted = client.origin === 'configured' || this.its.isInUse(client);
    let published = this.#known.get(key) ?? this.#unproven.get(key);
    if (!published && !isTrusted) {
      await this.its.lookups.assertCounted(request);
      published = this.#known.get(key) ?? this.#unproven.get(key);
    }
    published ??= this.#create(client, uri);
    // Also when it was there: its time begins anew with each use.
    if (isTrusted || published.isKnown) this.#know(key, published);
    else this.#unproven.set(key, published);
    return published;
  }

  #know(key: string, published: Published): void {
    published.isKnown = true;
    this.#known.set(key, published);
  }

  #create(client: Client, uri: string): Published {
    const { clock, outbound } = this.its;
    const guarded: JwksFetch = { fetch: (url) => this.#fetch(String(url), published.isKnown) };
    const way = client.origin === 'configured' ? outbound : guarded;
    const published = { source: new JwksSource(uri, { outbound: way, clock }), isKnown: false };
    return published;
  }

  // Each fetch resolves and vets the host anew: a name that was public yesterday may be private today.
  async #fetch(url: string, isKnown: boolean): Promise<Response> {
    const { publicOutbound, events } = this.its;
    const { origin } = new URL(url);
    try {
      const budget = isKnown ? this.#users : this.#strangers;
      return await budget.spend(origin, () => getJwks(publicOutbound, url));
    } catch (error) {
      if (error instanceof OutboundError && error.problem === 'address') {
        events.emit('outbound.blocked', { origin, reason: error.message });
      }
      throw error;
    }
  }
}

function keyOf({ origin, jwksUri }: Client): string {
  return `${origin === 'configured' ? 'operator' : 'stranger'} ${jwksUri ?? ''}`;
}

async function getJwks(outbound: PublicOutbound, url: string): Promise<Response> {
  const accept = 'application/jwk-set+json, application/json';
  const { status, body } = await outbound.get(url, { maxBytes: maxDocumentBytes, accept });
  if (status !== 200) throw new Error(`the answer has status ${status}`);
  return new Response(body);
}
