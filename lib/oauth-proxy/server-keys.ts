import type { ConfigurationIssue } from '../common/errors.js';
import { KeyList, type KeyListSource } from '../crypto/key-list.js';
import { hashSecret } from '../crypto/hash.js';
import { SecretRing } from '../crypto/secret-ring.js';
import { SigningKeys } from '../crypto/signing-keys.js';
import type { AuthProviderHost } from '../verifiers/auth-provider.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import type { OAuthServerOptions } from './oauth-server-options.js';

/** Whatever kind of server they are of. */
type KeyedOptions = OAuthServerOptions & Pick<Partial<OAuthProxyOptions>, 'upstream'>;

/** The keys the server seals, signs and verifies with; they change while it runs. */
export class ServerKeys {
  private constructor(
    readonly ring: SecretRing,
    readonly signing: SigningKeys,
    private readonly lists: readonly KeyList<unknown>[],
  ) {}

  /** What is wrong with the lists of keys. What a function answers is judged when it is asked. */
  static issues(options: KeyedOptions, path: string): ConfigurationIssue[] {
    const { secrets, signingKeys } = options;
    return [
      ...(isList(secrets) ? secretIssues(secrets, options, `${path}.secrets`) : []),
      ...(isList(signingKeys) ? SigningKeys.issues(signingKeys, `${path}.signingKeys`) : []),
    ];
  }

  /** @throws ConfigurationError when there are no usable keys. */
  static async load(
    options: KeyedOptions,
    secrets: KeyListSource<string>,
    { clock, events }: AuthProviderHost,
  ): Promise<ServerKeys> {
    const onFailure = (reason: string): void => events.emit('keys.reload_failed', { reason });
    const secretList = await KeyList.load(secrets, {
      path: 'server.secrets',
      issues: (keys) => secretIssues(keys, options, 'server.secrets'),
      clock,
      onFailure,
    });
    const ring = new SecretRing(secretList);
    if (!options.signingKeys) {
      return new ServerKeys(ring, SigningKeys.fromSecrets(ring), [secretList]);
    }
    const signingList = await KeyList.load(options.signingKeys, {
      path: 'server.signingKeys',
      issues: (keys) => SigningKeys.issues(keys, 'server.signingKeys'),
      clock,
      onFailure,
    });
    return new ServerKeys(ring, SigningKeys.fromJwks(signingList), [secretList, signingList]);
  }

  /** @throws ConfigurationError when an answer cannot be used; the keys in force stay. */
  async reload(): Promise<void> {
    await Promise.all(this.lists.map((list) => list.reload()));
  }

  /** Asks for no more keys. */
  stop(): void {
    for (const list of this.lists) list.stop();
  }
}

function isList(keys: unknown): boolean {
  return keys !== undefined && typeof keys !== 'function';
}

function secretIssues(secrets: unknown, options: KeyedOptions, path: string): ConfigurationIssue[] {
  const issues = SecretRing.issues(secrets, path);
  if (issues.length > 0 || !Array.isArray(secrets)) return issues;
  const shared = sharedSecretHashes(options);
  return (secrets as string[]).flatMap((secret, index) => {
    const problem = shared.get(hashSecret(secret));
    return problem === undefined ? [] : [{ path: `${path}[${index}]`, problem }];
  });
}

/** What somebody else holds too, by hash: with it as a key, they could make tokens of ours. */
function sharedSecretHashes(options: KeyedOptions): ReadonlyMap<string, string> {
  const { upstream, clients = [], introspectionClients = [], registration } = options;
  const tokens =
    typeof registration === 'object'
      ? (registration as { initialAccessTokens?: unknown } | null)?.initialAccessTokens
      : undefined;
  const upstreamSecret = upstream?.clientSecret;
  return new Map([
    ...hashes([upstreamSecret], "must not be the upstream's client secret"),
    ...hashes(members(clients, 'clientSecret'), 'must not be the secret of a client'),
    ...hashes(members(introspectionClients, 'secret'), 'must not be the secret of a client'),
    ...hashes(Array.isArray(tokens) ? tokens : [], 'must not be an initial access token'),
  ]);
}

function members(list: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(list)) return [];
  return list.map((m: unknown) => (m as Record<string, unknown> | null | undefined)?.[name]);
}

function hashes(secrets: readonly unknown[], problem: string): (readonly [string, string])[] {
  return secrets
    .filter((secret) => typeof secret === 'string')
    .map((secret) => [hashSecret(secret), problem] as const);
}
