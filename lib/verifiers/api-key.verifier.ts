import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import { SystemClock } from '../common/clock.js';
import type { Clock } from '../common/clock.js';
import { ConfigurationError } from '../common/errors.js';
import { frozenCopy } from '../common/frozen-copy.js';
import { coversScopes } from '../common/scopes.js';
import { constantTimeEqual } from '../crypto/constant-time.js';
import { hashSecret, readSecretHash } from '../crypto/hash.js';
import { sameResource } from '../resources/resource-identifier.js';
import type { VerifiedToken } from './access-token.js';
import { apiKeyId } from './api-key.js';
import {
  type ApiKey,
  apiKeyVerifierIssues,
  type ApiKeyVerifierOptions,
  type FindApiKey,
} from './api-key-verifier-options.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';

/** Stands where a key has none, so that an unknown id costs what a known one does. */
const NO_HASH = hashSecret('');

/**
 * Accepts the API keys that `generateApiKey` makes. Only their hashes are kept: SHA-256, which suits
 * secrets of 190 random bits. A slow hash, as for passwords, would guard against guesses that nobody
 * can make, and would let anyone keep the server busy.
 *
 * @throws {ConfigurationError} naming every option that is missing or wrong.
 */
export class ApiKeyVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  readonly timeoutSeconds: number | undefined;
  readonly header: string | undefined;
  readonly #prefix: string;
  readonly #find: FindApiKey;
  readonly #clock: Clock;

  constructor(options: ApiKeyVerifierOptions) {
    ConfigurationError.assertNone(apiKeyVerifierIssues(options));
    this.name = options.name ?? 'ApiKeyVerifier';
    this.requiredScopes = [...(options.requiredScopes ?? [])];
    this.timeoutSeconds = options.timeoutSeconds;
    this.header = options.header;
    this.#prefix = options.prefix;
    this.#find = finder(options.keys);
    this.#clock = options.clock ?? new SystemClock();
  }

  /** True for what begins as its keys do: a mistyped key is nobody else's either. */
  recognizes(token: string): boolean {
    return token.startsWith(`${this.#prefix}_`);
  }

  verifyToken(token: string, context: VerificationContext): Awaitable<VerifiedToken | null> {
    const id = apiKeyId(token, this.#prefix);
    if (id === undefined) return context.reject('malformed');
    const found = this.#find(id, context);
    return isPromise(found)
      ? found.then((key) => this.#judge({ id, token, key }, context))
      : this.#judge({ id, token, key: found }, context);
  }

  #judge({ id, token, key }: Presented, context: VerificationContext): VerifiedToken | null {
    const kept = key === undefined || key === null ? NO_HASH : readSecretHash(key.hash);
    if (kept === undefined) throw new TypeError('found a key whose hash is no SHA-256 hash');
    const isGenuine = constantTimeEqual(hashSecret(token), kept);
    if (!key) return context.reject('unknown_key');
    if (!isGenuine) return context.reject('wrong_secret');
    const granted = grantOf(id, key);
    const { scopes, expiresAt, resource } = granted;
    if (expiresAt !== undefined && expiresAt <= this.#clock.now()) return context.reject('expired');
    if (resource !== undefined && !sameResource(context.resource, resource)) {
      return context.reject('wrong_resource');
    }
    return coversScopes(scopes, this.requiredScopes)
      ? granted
      : context.reject('insufficient_scope');
  }
}

/** What the key is good for; a database says null for what is absent. */
function grantOf(id: string, key: ApiKey): VerifiedToken {
  return {
    subject: key.subject ?? undefined,
    clientId: key.clientId ?? id,
    scopes: key.scopes ?? [],
    expiresAt: key.expiresAt ?? undefined,
    resource: key.resource ?? undefined,
    claims: key.claims ?? undefined,
  };
}

interface Presented {
  readonly id: string;
  readonly token: string;
  readonly key: ApiKey | null | undefined;
}

function finder(keys: ApiKeyVerifierOptions['keys']): FindApiKey {
  if (typeof keys === 'function') return keys;
  const byId = new Map(Object.entries(frozenCopy(keys)));
  return (id) => byId.get(id);
}
