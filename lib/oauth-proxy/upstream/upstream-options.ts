import type { JWK } from 'jose';
import type { Awaitable } from '../../common/awaitable.js';
import type { ConfigurationIssue } from '../../common/errors.js';
import { isText, scopeListIssues, unknownOptionIssues } from '../../common/option-issues.js';
import { endpointUrlProblem } from '../../http/endpoint-url.js';
import {
  credentialProblems,
  type ClientAuthentication,
} from '../../verifiers/client-authentication.js';
import { registeredClaims } from '../tokens/registered-claims.js';
import type { UpstreamHost } from './upstream.js';
import type { ScopeMapping } from './upstream-scopes.js';

/** What every kind of upstream needs to know. */
export interface UpstreamOptions {
  /** The client id the app has at the upstream. */
  readonly clientId: string;
  /** The client secret, if the app has one there. */
  readonly clientSecret?: string | undefined;
  /**
   * The private key with which the app signs who it is instead (RFC 7523): RS, PS, ES or EdDSA. The
   * upstream knows its public part, by the key's `kid` if it has one.
   */
  readonly clientKey?: JWK | undefined;
  /**
   * How the app authenticates at the token endpoint.
   * @default `client_secret_basic` with a secret, `private_key_jwt` with a key, `none` without
   */
  readonly clientAuthentication?: ClientAuthentication | undefined;
  /**
   * The scopes to ask the upstream for, whatever the MCP client asks for: then the user's consent
   * alone decides which of this server's scopes are granted. Or `'requested'`, for those that the
   * MCP client asks for: then what the upstream grants of them is granted.
   *
   * @default 'requested'
   */
  readonly scopes?: readonly string[] | 'requested' | undefined;
  /** What the requested scopes are called at the upstream. @default the same as here */
  readonly scopeMapping?: ScopeMapping | undefined;
  /**
   * Tells at each login whether this user may come in, by the claims that the upstream vouches for.
   * Anything but `true` is a no, and the client is told `access_denied`.
   * @default everyone whom the upstream lets log in to this app
   */
  readonly allowUser?:
    ((claims: Readonly<Record<string, unknown>>) => Awaitable<boolean>) | undefined;
  /** More parameters for the authorization request, such as `{ access_type: 'offline' }`. */
  readonly extraAuthorizeParams?: Readonly<Record<string, string>> | undefined;
  /** More parameters for every token request. */
  readonly extraTokenParams?: Readonly<Record<string, string>> | undefined;
  /**
   * Whether the login at the upstream has a PKCE of its own (RFC 7636). Only for an upstream that
   * refuses it: without it, and without an id_token, a stolen upstream code may pass for a login.
   * @default true
   */
  readonly forwardPkce?: boolean | undefined;
  /**
   * Whether the upstream is told the resource that the client's tokens will be for (RFC 8707). Many
   * providers refuse a resource that was not registered with them.
   * @default false
   */
  readonly forwardResource?: boolean | undefined;
  /**
   * The claims of the upstream's identity that this server's tokens carry too, such as `email`.
   * Whoever holds a token can read them.
   * @default []
   */
  readonly embedClaims?: readonly string[] | undefined;
  /** Replaces the network, for proxies and tests. @default the global `fetch` */
  readonly fetch?: typeof fetch | undefined;
}

const reservedAuthorizeParameters = [
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
];
const reservedTokenParameters = [
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'code',
  'code_verifier',
  'grant_type',
  'redirect_uri',
  'refresh_token',
  'subject_token',
  'subject_token_type',
];

/** The names of the options that every upstream has. */
export const upstreamOptionNames = [
  'allowUser',
  'clientAuthentication',
  'clientId',
  'clientKey',
  'clientSecret',
  'embedClaims',
  'extraAuthorizeParams',
  'extraTokenParams',
  'fetch',
  'forwardPkce',
  'forwardResource',
  'scopeMapping',
  'scopes',
] as const satisfies readonly (keyof UpstreamOptions)[];

/** What is wrong with the options that every upstream has; `own` are the names of its others. */
export function upstreamOptionIssues(
  options: UpstreamOptions,
  path: string,
  own: readonly string[],
): ConfigurationIssue[] {
  const issues: ConfigurationIssue[] = [
    ...unknownOptionIssues(path, options, [...upstreamOptionNames, ...own]),
    ...(options.scopes === 'requested' ? [] : scopeListIssues(`${path}.scopes`, options.scopes)),
  ];
  const add = (name: string, problem: string): void => {
    issues.push({ path: `${path}.${name}`, problem });
  };
  if (!isText(options.clientId)) add('clientId', 'is missing');
  for (const [name, problem] of credentialProblems(options)) add(name, problem);
  for (const [name, problem] of hookProblems(options)) add(name, problem);
  for (const name of ['forwardPkce', 'forwardResource'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean') add(name, 'must be true or false');
  }
  for (const name of reserved(options.extraAuthorizeParams, reservedAuthorizeParameters)) {
    add(`extraAuthorizeParams.${name}`, 'is set by the library and cannot be overridden');
  }
  for (const name of reserved(options.extraTokenParams, reservedTokenParameters)) {
    add(`extraTokenParams.${name}`, 'is set by the library and cannot be overridden');
  }
  const claims: unknown = options.embedClaims ?? [];
  if (!Array.isArray(claims) || !claims.every(isText)) {
    add('embedClaims', 'must be a list of claim names');
  } else {
    for (const name of claims.filter((n) => registeredClaims.includes(n))) {
      add('embedClaims', `cannot have ${name}`);
    }
  }
  return issues;
}

/** What is wrong with the URL of an upstream endpoint. */
export function upstreamUrlIssues(
  url: string | undefined,
  path: string,
  host: UpstreamHost,
): ConfigurationIssue[] {
  const problem = urlProblem(url, host);
  return problem === null ? [] : [{ path, problem }];
}

function urlProblem(url: string | undefined, host: UpstreamHost): string | null {
  const problem = endpointUrlProblem(url);
  if (problem !== null || url === undefined) return problem;
  return new URL(url).origin === new URL(host.baseUrl).origin
    ? 'points at this server itself: the login would go round in circles'
    : null;
}

function hookProblems({ allowUser, scopeMapping }: UpstreamOptions): [string, string][] {
  const problems: [string, string][] = [];
  if (allowUser !== undefined && typeof allowUser !== 'function') {
    problems.push(['allowUser', 'must be a function']);
  }
  if (scopeMapping !== undefined && !isScopeMapping(scopeMapping)) {
    problems.push(['scopeMapping', 'must have the functions toUpstream and fromUpstream']);
  }
  return problems;
}

function isScopeMapping(value: unknown): boolean {
  const { toUpstream, fromUpstream } = Object(value) as Partial<ScopeMapping>;
  return typeof toUpstream === 'function' && typeof fromUpstream === 'function';
}

function reserved(
  parameters: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
): string[] {
  return Object.keys(parameters ?? {}).filter((name) => names.includes(name));
}
