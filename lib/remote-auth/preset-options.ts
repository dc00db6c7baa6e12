import type { Clock } from '../common/clock.js';
import { ConfigurationError, type ConfigurationIssue } from '../common/errors.js';
import {
  commonOptionIssues,
  isText,
  scopeListIssues,
  unknownOptionIssues,
} from '../common/option-issues.js';
import { issuerProblem } from '../verifiers/issuer-metadata.js';
import type { TokenVerifier } from '../verifiers/token-verifier.js';
import { type RemoteAuthProviderOptions } from './remote-auth-provider-options.js';

/** What every preset of a `RemoteAuthProvider` takes beside what names your place at the vendor. */
export interface RemotePresetOptions {
  /** The scopes every request needs, unless the module says otherwise. @default none */
  readonly requiredScopes?: readonly string[] | undefined;
  /** The scopes clients are told to ask for. @default those that the resource requires */
  readonly scopesSupported?: readonly string[] | undefined;
  /** As `RemoteAuthProviderOptions.forwardMetadata`. @default false */
  readonly forwardMetadata?: boolean | undefined;
  /** By how many seconds the vendor's clock may differ, 0 to 30. @default 5 */
  readonly clockToleranceSeconds?: number | undefined;
  /** Names the provider in events and in `AccessToken.source`. @default the class name */
  readonly name?: string | undefined;
  /** Replaces the network, for proxies and tests. @default the global `fetch` */
  readonly fetch?: typeof fetch | undefined;
  /** @default the clock of the machine */
  readonly clock?: Clock | undefined;
}

const common = [
  'clock',
  'clockToleranceSeconds',
  'fetch',
  'forwardMetadata',
  'name',
  'requiredScopes',
  'scopesSupported',
] as const satisfies readonly (keyof RemotePresetOptions)[];

/** Reads the options of one preset, and says all that is wrong with them at once. */
export class PresetReader<O extends RemotePresetOptions> {
  readonly #issues: ConfigurationIssue[];

  constructor(
    private readonly owner: string,
    private readonly options: O,
    own: readonly Exclude<keyof O & string, keyof RemotePresetOptions>[],
  ) {
    this.#issues = [
      ...unknownOptionIssues(owner, options, [...common, ...own]),
      ...commonOptionIssues(owner, options),
      ...scopeListIssues(`${owner}.scopesSupported`, options.scopesSupported),
    ];
    const { clockToleranceSeconds: tolerance = 0 } = options;
    if (!(tolerance >= 0 && tolerance <= 30)) {
      this.report('clockToleranceSeconds', 'must be a number from 0 to 30');
    }
    if (!['boolean', 'undefined'].includes(typeof options.forwardMetadata)) {
      this.report('forwardMetadata', 'must be a boolean');
    }
  }

  /** An origin, from a host name or a URL without a path; '' when it is none. */
  origin(option: keyof O & string): string {
    const given: unknown = this.options[option];
    const text = typeof given === 'string' && !given.includes('://') ? `https://${given}` : given;
    const problem = issuerProblem(text);
    if (problem === null) {
      const { origin, pathname } = new URL(text as string);
      if (pathname === '/') return origin;
    }
    return this.report(option, problem ?? 'must be a host name, or a URL without a path');
  }

  /** A URL with or without a path, and without a slash at its end; '' when it is none. */
  url(option: keyof O & string): string {
    const given: unknown = this.options[option];
    const problem = issuerProblem(given);
    return problem === null ? (given as string).replace(/\/$/, '') : this.report(option, problem);
  }

  /** A text of letters, digits and `_ - .`, as identifiers are; '' when it is none. */
  identifier(option: keyof O & string): string {
    const given: unknown = this.options[option];
    if (typeof given === 'string' && /^[\w.-]+$/.test(given)) return given;
    return this.report(option, given === undefined ? 'is missing' : 'is no identifier');
  }

  /** A text that says something; '' when it does not. */
  text(option: keyof O & string): string {
    const given: unknown = this.options[option];
    return isText(given) ? given : this.report(option, 'is missing');
  }

  /** Texts that may be absent: an audience, or algorithms. */
  texts(option: keyof O & string): void {
    const given: unknown = this.options[option];
    const list: readonly unknown[] = Array.isArray(given) ? given : [given];
    if (given === undefined || (list.length > 0 && list.every(isText))) return;
    this.report(option, 'must be a text, or an array of one or more');
  }

  flag(option: keyof O & string): void {
    if (['boolean', 'undefined'].includes(typeof this.options[option])) return;
    this.report(option, 'must be a boolean');
  }

  report(option: keyof O & string, problem: string): '' {
    this.#issues.push({ path: `${this.owner}.${option}`, problem });
    return '';
  }

  /** @throws {ConfigurationError} */
  assertUsable(): void {
    ConfigurationError.assertNone(this.#issues);
  }
}

/** The options of the provider that a preset is. */
export function presetProvider(
  { requiredScopes, scopesSupported, forwardMetadata, name, fetch }: RemotePresetOptions,
  parts: { readonly server: string; readonly tokenVerifier: TokenVerifier },
): RemoteAuthProviderOptions {
  return {
    tokenVerifier: parts.tokenVerifier,
    authorizationServers: [parts.server],
    requiredScopes,
    scopesSupported,
    forwardMetadata,
    name,
    fetch,
  };
}
