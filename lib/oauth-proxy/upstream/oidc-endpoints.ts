import type * as oauth from 'oauth4webapi';
import type { ConfigurationIssue } from '../../common/errors.js';
import { unknownOptionIssues } from '../../common/option-issues.js';
import { isIssuerTemplate } from './issuer-template.js';
import type { UpstreamHost } from './upstream.js';
import { upstreamUrlIssues } from './upstream-options.js';

/** Where the endpoints of an OpenID provider are: https, or http on loopback. */
export interface OidcEndpoints {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  /** RFC 7009; without it a revocation ends the session here alone. */
  readonly revocationEndpoint?: string | undefined;
  /** Without it, a re-check of a login asks for new tokens instead. */
  readonly userinfoEndpoint?: string | undefined;
}

const required = ['authorizationEndpoint', 'tokenEndpoint', 'jwksUri'] as const;
const optional = ['revocationEndpoint', 'userinfoEndpoint'] as const;

interface OidcAddress {
  readonly issuer: string;
  readonly endpoints?: OidcEndpoints | undefined;
}

/** What is wrong with the endpoints, which may be left to discovery. */
export function endpointIssues(
  { issuer, endpoints }: OidcAddress,
  path: string,
  host: UpstreamHost,
): ConfigurationIssue[] {
  if (endpoints === undefined) {
    if (typeof issuer !== 'string' || !isIssuerTemplate(issuer)) return [];
    return [
      { path: `${path}.issuer`, problem: 'names no tenant, and needs `endpoints` therefore' },
    ];
  }
  const at = `${path}.endpoints`;
  const given = optional.filter((name) => endpoints[name] !== undefined);
  return [
    ...[...required, ...given].flatMap((name) =>
      upstreamUrlIssues(endpoints[name], `${at}.${name}`, host),
    ),
    ...unknownOptionIssues(at, endpoints, [...required, ...optional]),
  ];
}

/** The metadata that a discovery document would hold. */
export function metadataOf(issuer: string, endpoints: OidcEndpoints): oauth.AuthorizationServer {
  const { revocationEndpoint, userinfoEndpoint } = endpoints;
  return {
    issuer,
    authorization_endpoint: endpoints.authorizationEndpoint,
    token_endpoint: endpoints.tokenEndpoint,
    jwks_uri: endpoints.jwksUri,
    ...(revocationEndpoint !== undefined && { revocation_endpoint: revocationEndpoint }),
    ...(userinfoEndpoint !== undefined && { userinfo_endpoint: userinfoEndpoint }),
  };
}
