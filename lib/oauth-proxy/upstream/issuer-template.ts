import type * as oauth from 'oauth4webapi';
import { UpstreamError } from '../../common/errors.js';
import { readUnverifiedJwt } from '../../verifiers/unverified-jwt.js';
import { bodyOf } from './token-response.js';

// Microsoft's own notation, from the metadata of endpoints that serve many tenants.
const placeholder = '{tenantid}';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Tells whether an issuer stands for one issuer a tenant. */
export function isIssuerTemplate(issuer: string): boolean {
  return issuer.includes(placeholder);
}

/**
 * The issuer that an id_token must have. Of a template it is that of the tenant that the id_token
 * itself names, before anything of it is verified: whoever signs it says both, and they must agree.
 *
 * @throws UpstreamError `refused` when the id_token names no tenant
 */
export function issuerOf(issuer: string, idToken: unknown): string {
  if (!isIssuerTemplate(issuer)) return issuer;
  const tenant = readUnverifiedJwt(typeof idToken === 'string' ? idToken : '')?.claims['tid'];
  if (typeof tenant === 'string' && uuid.test(tenant)) return issuer.replace(placeholder, tenant);
  throw new UpstreamError('the id_token names no tenant', 'refused');
}

/** The issuer that the id_token of a token response must have; reads the response. */
export async function issuerOfAnswer(issuer: string, response: Response): Promise<string> {
  if (!isIssuerTemplate(issuer)) return issuer;
  const { id_token: idToken } = await bodyOf(response);
  // Without one the answer is an error, or is refused for what is missing.
  return idToken === undefined ? issuer : issuerOf(issuer, idToken);
}

/**
 * The audience of a client assertion is the issuer. A template names no server: there it is the token
 * endpoint. @see RFC 7523 §3
 */
export function atNamedServer(authentication: oauth.ClientAuth): oauth.ClientAuth {
  return (server, ...rest) => {
    const { issuer, token_endpoint: endpoint = issuer } = server;
    const named = isIssuerTemplate(issuer) ? { ...server, issuer: endpoint } : server;
    return authentication(named, ...rest);
  };
}
