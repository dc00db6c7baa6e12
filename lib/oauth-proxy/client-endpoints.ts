import { ClientAuthenticator } from './clients/client-authenticator.js';
import { RegisterEndpoint } from './endpoints/register.endpoint.js';
import { RevokeEndpoint } from './endpoints/revoke.endpoint.js';
import { TokenEndpoint } from './endpoints/token.endpoint.js';
import { AuthorizationCodeGrant } from './grants/authorization-code.grant.js';
import type { GrantHandler } from './grants/grant-handler.js';
import { RefreshTokenGrant } from './grants/refresh-token.grant.js';
import type { SharedParts } from './server-parts.js';
import { TokenIssuer } from './tokens/token-issuer.js';

/** The endpoints that programs call. */
export function clientEndpoints(parts: SharedParts) {
  const { host, scopes, records, issuer, keys, grants, clients } = parts;
  const authenticator = new ClientAuthenticator(clients);
  return {
    register: new RegisterEndpoint(clients, scopes, host.events),
    token: new TokenEndpoint(authenticator, grantHandlers(parts)),
    revoke: new RevokeEndpoint({
      ...records,
      clients: authenticator,
      grants,
      keys,
      issuer,
      clock: host.clock,
    }),
  };
}

function grantHandlers(parts: SharedParts): ReadonlyMap<string, GrantHandler> {
  const { records, issuer, keys, lifetimes, grants, codes, sessions } = parts;
  const { clock, events } = parts.host;
  const tokens = new TokenIssuer({ ...records, issuer, keys, clock, lifetimes });
  const common = { grants, tokens, clock, events };
  const grantSeconds = lifetimes.refreshTokenAbsolute;
  return new Map<string, GrantHandler>([
    ['authorization_code', new AuthorizationCodeGrant({ ...common, codes, grantSeconds })],
    ['refresh_token', new RefreshTokenGrant({ ...records, ...common, sessions, lifetimes })],
  ]);
}
