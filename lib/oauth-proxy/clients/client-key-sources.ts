import type { KeyObject } from 'node:crypto';
import type { Awaitable } from '../../common/awaitable.js';
import { BoundedMap } from '../../common/bounded-map.js';
import type { Clock } from '../../common/clock.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { OutboundError } from '../../http/outbound-error.js';
import type { OutboundClient } from '../../http/outbound.js';
import type { PublicOutbound } from '../../http/public-outbound.js';
import { keysFor, onlyKey, parseJwks } from '../../verifiers/jwks-document.js';
import { JwksSource } from '../../verifiers/jwks-source.js';
import { FetchBudget } from './fetch-budget.js';
import type { Client } from './client.js';

const maxSources = 200;
const sourceSeconds = 3600;
const maxDocumentBytes = 64 * 1024;

type JwksFetch = Pick<OutboundClient, 'fetch'>;

interface GuardedParts {
  /** For the URLs that strangers gave. */
  readonly publicOutbound: PublicOutbound;
  readonly clock: Clock;
  readonly events: MultiAuthEvents;
}

/** Finds the keys that clients prove themselves with: given inline, or published at a `jwks_uri`. */
export class ClientKeySources {
  readonly #published: BoundedMap<string, JwksSource>;
  readonly #strangers: JwksFetch;

  constructor(
    private readonly its: GuardedParts & {
      /** For the URLs of clients that the operator configured. */
      readonly outbound: JwksFetch;
    },
  ) {
    const { clock } = its;
    this.#published = new BoundedMap({ maxEntries: maxSources, ttlSeconds: sourceSeconds, clock });
    this.#strangers = guarded(its);
  }

  /**
   * The one key of the client that fits; undefined when none does or several do.
   * @throws {VerifierUnavailableError} when the `jwks_uri` gives no keys.
   */
  find(
    client: Client,
    algorithm: string,
    kid: string | undefined,
  ): Awaitable<KeyObject | undefined> {
    if (client.jwks) return onlyKey(keysFor(parseJwks(client.jwks), algorithm, kid));
    if (client.jwksUri === undefined) return undefined;
    return this.#source(client.jwksUri, client.origin === 'configured').find(algorithm, kid);
  }

  #source(uri: string, trusted: boolean): JwksSource {
    const key = `${trusted ? 'operator' : 'stranger'} ${uri}`;
    const outbound = trusted ? this.its.outbound : this.#strangers;
    const source =
      this.#published.get(key) ?? new JwksSource(uri, { outbound, clock: this.its.clock });
    // Also when it was there: its time begins anew with each use.
    this.#published.set(key, source);
    return source;
  }
}

// Each fetch resolves and vets the host anew: a name that was public yesterday may be private today.
function guarded(its: GuardedParts): JwksFetch {
  const budget = new FetchBudget(its.clock);
  return {
    fetch: async (url) => {
      const { origin } = new URL(url);
      try {
        return await budget.spend(origin, () => getJwks(its.publicOutbound, String(url)));
      } catch (error) {
        if (error instanceof OutboundError && error.problem === 'address') {
          its.events.emit('outbound.blocked', { origin, reason: error.message });
        }
        throw error;
      }
    },
  };
}

async function getJwks(outbound: PublicOutbound, url: string): Promise<Response> {
  const accept = 'application/jwk-set+json, application/json';
  const { status, body } = await outbound.get(url, { maxBytes: maxDocumentBytes, accept });
  // Thrown, so that it counts against the origin.
  if (status !== 200) throw new Error(`the answer has status ${status}`);
  return new Response(body);
}
