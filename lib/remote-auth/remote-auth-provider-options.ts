import type { ConfigurationIssue } from '../common/errors.js';
import { isText, scopeListIssues, unknownOptionIssues } from '../common/option-issues.js';
import { AuthProvider } from '../verifiers/auth-provider.js';
import { issuerProblem } from '../verifiers/issuer-metadata.js';
import type { TokenVerifier } from '../verifiers/token-verifier.js';

/** What a `RemoteAuthProvider` needs to know. */
export interface RemoteAuthProviderOptions {
  /**
   * Verifies the tokens of the servers. A `JwtVerifier` or `IntrospectionVerifier` without an
   * `audience` takes only what was issued for the resource at hand.
   */
  readonly tokenVerifier: TokenVerifier;
  /**
   * The issuer identifiers of the servers at which clients log in, spelled as in their metadata: https,
   * or http on loopback. Clients use the first one.
   */
  readonly authorizationServers: readonly string[];
  /** The scopes every request needs, unless the module says otherwise. @default the verifier's */
  readonly requiredScopes?: readonly string[] | undefined;
  /** The scopes clients are told to ask for. @default those that the resource requires */
  readonly scopesSupported?: readonly string[] | undefined;
  /**
   * Whether clients are told, without `scopesSupported`, the scopes that the first server supports.
   * It is asked when they are first needed.
   * @default false
   */
  readonly discoverScopes?: boolean | undefined;
  /**
   * How a client must ask the server for scopes, where that has other names for them.
   * @default as the verifier says, else unchanged
   */
  readonly challengeScopes?: ((scopes: readonly string[]) => readonly string[]) | undefined;
  /**
   * Whether the first server's metadata is served here too, for clients of the protocol of March 2025,
   * which look nowhere else. Its `issuer` is not this server's, for which strict clients refuse it
   * (RFC 8414 §3.3).
   * @default false
   */
  readonly forwardMetadata?: boolean | undefined;
  /** Names the provider in events and in `AccessToken.source`. @default the class name */
  readonly name?: string | undefined;
  /** Replaces the network, for proxies and tests. @default the global `fetch` */
  readonly fetch?: typeof fetch | undefined;
}

const owner = 'RemoteAuthProvider';
const known = [
  'authorizationServers',
  'challengeScopes',
  'discoverScopes',
  'fetch',
  'forwardMetadata',
  'name',
  'requiredScopes',
  'scopesSupported',
  'tokenVerifier',
] as const satisfies readonly (keyof RemoteAuthProviderOptions)[];

/** Everything that is wrong with the options; never a value. */
export function remoteAuthProviderIssues(options: RemoteAuthProviderOptions): ConfigurationIssue[] {
  const issues: ConfigurationIssue[] = [
    ...unknownOptionIssues(owner, options, known),
    ...scopeListIssues(`${owner}.requiredScopes`, options.requiredScopes),
    ...scopeListIssues(`${owner}.scopesSupported`, options.scopesSupported),
    ...serverIssues(options.authorizationServers),
  ];
  const add = (option: string, problem: string): void => {
    issues.push({ path: `${owner}.${option}`, problem });
  };
  const { tokenVerifier, name } = options;
  if (typeof (tokenVerifier as TokenVerifier | undefined)?.verifyToken !== 'function') {
    add('tokenVerifier', 'is missing: it says whose tokens are accepted');
  } else if (tokenVerifier instanceof AuthProvider) {
    add('tokenVerifier', 'is a server, not a verifier');
  }
  if (name !== undefined && !isText(name)) add('name', 'must be a non-empty string');
  for (const option of ['discoverScopes', 'forwardMetadata'] as const) {
    if (!['boolean', 'undefined'].includes(typeof options[option]))
      add(option, 'must be a boolean');
  }
  for (const option of ['challengeScopes', 'fetch'] as const) {
    if (!['function', 'undefined'].includes(typeof options[option])) {
      add(option, 'must be a function');
    }
  }
  return issues;
}

function serverIssues(servers: unknown): ConfigurationIssue[] {
  const path = `${owner}.authorizationServers`;
  if (!Array.isArray(servers) || servers.length === 0) {
    return [{ path, problem: 'must be a list of one or more issuer identifiers' }];
  }
  return servers.flatMap((server: unknown, index) => {
    const problem = issuerProblem(server);
    return problem === null ? [] : [{ path: `${path}[${index}]`, problem }];
  });
}
