import { isLoopbackHost } from '../http/loopback.js';
import type { KeyValueStore } from '../storage/key-value-store.js';
import { MemoryStore } from '../storage/memory.store.js';
import { consentModeWarning } from './consent/consent-mode.js';
import type { OAuthServerOptions } from './oauth-server-options.js';

const longAccessTokenSeconds = 3600;

/** What an option may mean that its operator did not. */
export interface ConfigurationWarning {
  readonly option: string;
  readonly warning: string;
}

/** What is allowed and still worth a second thought, to be said once at the start. */
export function configurationWarnings(
  options: OAuthServerOptions,
  storage: KeyValueStore,
  baseUrl: string,
): readonly ConfigurationWarning[] {
  const warnings: ConfigurationWarning[] = [];
  const consent = consentModeWarning(options);
  if (consent !== undefined) warnings.push({ option: 'server.consent', warning: consent });
  if (storage instanceof MemoryStore && !isLoopbackHost(new URL(baseUrl).hostname)) {
    const warning = 'a MemoryStore forgets every login at a restart and is shared with no instance';
    warnings.push({ option: 'server.storage', warning });
  }
  if ((options.lifetimes?.accessToken ?? 0) > longAccessTokenSeconds) {
    const warning = 'access tokens live longer than an hour: a stolen one is good for as long';
    warnings.push({ option: 'server.lifetimes.accessToken', warning });
  }
  return warnings;
}
