import type { Awaitable } from '../common/awaitable.js';
import type { ConfigurationIssue } from '../common/errors.js';
import { unknownOptionIssues } from '../common/option-issues.js';
import { isAllowed } from '../oauth-proxy/upstream/upstream-mapping.js';
import {
  type UpstreamOptions,
  upstreamOptionNames,
} from '../oauth-proxy/upstream/upstream-options.js';

type Claims = Readonly<Record<string, unknown>>;

/**
 * The options that a preset hands on to the upstream it is: those given, else the vendor's. More
 * authorization parameters join the vendor's; an empty one takes the vendor's away.
 */
export function handedOn(
  options: UpstreamOptions,
  defaults: Partial<UpstreamOptions>,
): UpstreamOptions {
  const given = upstreamOptionNames.filter((name) => options[name] !== undefined);
  const parameters = { ...defaults.extraAuthorizeParams, ...options.extraAuthorizeParams };
  return {
    ...defaults,
    ...(Object.fromEntries(given.map((name) => [name, options[name]])) as object),
    clientId: options.clientId,
    extraAuthorizeParams: Object.fromEntries(
      Object.entries(parameters).filter(([, value]) => value !== ''),
    ),
  };
}

/** One issue for each option that neither all upstreams nor this preset have. */
export function presetIssues(
  options: UpstreamOptions,
  path: string,
  own: readonly string[] = [],
): ConfigurationIssue[] {
  return unknownOptionIssues(path, options, [...upstreamOptionNames, ...own]);
}

/** Lets in whom the vendor's claims and the operator let in. */
export function allowedBy(
  pin: (claims: Claims) => boolean,
  options: UpstreamOptions,
): (claims: Claims) => Awaitable<boolean> {
  return (claims) => pin(claims) && isAllowed(options, claims);
}

/**
 * The app's secret, if it has one, goes into the form. In an `Authorization` header RFC 6749 §2.3.1 has
 * it percent-encoded, which not every vendor undoes.
 */
export function secretInForm({ clientSecret }: UpstreamOptions): Partial<UpstreamOptions> {
  return clientSecret === undefined ? {} : { clientAuthentication: 'client_secret_post' };
}

/** Whether anybody here reads the claims of who logs in. */
export function wantsClaims({ embedClaims = [], allowUser }: UpstreamOptions): boolean {
  return embedClaims.length > 0 || allowUser !== undefined;
}
