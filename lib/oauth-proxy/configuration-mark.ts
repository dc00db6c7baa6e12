import { StorageError } from '../common/errors.js';
import type { MultiAuthEvents } from '../common/events.js';
import { hashSecret } from '../crypto/hash.js';
import type { RecordCollection } from '../storage/record-collection.js';
import type { OAuthProxyOptions } from './oauth-proxy-options.js';
import type { OAuthServerOptions } from './oauth-server-options.js';
import type { LoginKind } from './login-kind.js';

/** Whatever kind of server they are of. */
type AgreedOptions = OAuthServerOptions &
  Pick<Partial<OAuthProxyOptions>, 'redirectPath'> & { readonly loginKind: LoginKind };

const keptSeconds = 30 * 86_400;
const id = 'present';

/** What instances of one server must agree on, as a hash. */
export interface ConfigurationMark {
  readonly hash: string;
}

/**
 * Compares what this instance is configured to do with what the last one that started was, and says
 * so when they differ: each applies its own rules, and its own keys, to what they share. A store that cannot be asked
 * keeps nobody from starting.
 */
export async function markConfiguration(
  options: AgreedOptions,
  marks: RecordCollection<ConfigurationMark>,
  events: MultiAuthEvents,
): Promise<void> {
  const hash = hashSecret(JSON.stringify(agreement(options)));
  try {
    if (await marks.add(id, { hash }, keptSeconds)) return;
    const before = await marks.get(id);
    await marks.set(id, { hash }, keptSeconds);
    if (before?.hash === hash) return;
    // What is there and does not open was sealed by somebody with other secrets.
    const option = before === undefined ? 'server.secrets' : 'server';
    const warning =
      'other than those of the instance that started last: harmless if they were just changed';
    events.emit('configuration.warning', { option, warning });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}

function agreement(options: AgreedOptions): unknown {
  const { allowedClientRedirectUris, validScopes, defaultScopes, lifetimes, clients } = options;
  const { registration, redirectPath, consent, requiredScopes, signingKeys, loginKind } = options;
  return [
    allowedClientRedirectUris,
    validScopes,
    defaultScopes,
    requiredScopes,
    lifetimes,
    redirectPath,
    registration !== false,
    String(consent),
    // The public members alone: a hash of a private key is nothing to keep.
    Array.isArray(signingKeys) ? signingKeys.map(({ kid, x, n }) => [kid, x, n]) : undefined,
    clients?.map(({ clientId, redirectUris }) => [clientId, redirectUris]),
    // Nothing for the first of them, so that what earlier versions wrote down still agrees.
    ...(loginKind === 'upstream' ? [] : [loginKind]),
  ];
}
