import { OutboundClient } from '../http/outbound.js';
import { ClientAssertions } from './clients/client-assertions.js';
import { ClientAuthenticator } from './clients/client-authenticator.js';
import { ClientKeySources } from './clients/client-key-sources.js';
import { InitialAccessTokens } from './clients/initial-access-tokens.js';
import { UsedAssertions } from './clients/used-assertions.js';
import { RegisterEndpoint } from './endpoints/register.endpoint.js';
import { RevokeEndpoint } from './endpoints/revoke.endpoint.js';
import { TokenEndpoint } from './endpoints/token.endpoint.js';
import { AuthorizationCodeGrant } from './grants/authorization-code.grant.js';
import type { GrantHandler } from './grants/grant-handler.js';
import { RefreshTokenGrant } from './grants/refresh-token.grant.js';
import type { SharedParts } from './server-parts.js';
import { RefreshRotations } from './tokens/refresh-rotations.js';
import { TokenIssuer } from './tokens/token-issuer.js';

/** The endpoints that programs call. */
export function clientEndpoints(parts: SharedParts) {
  const { host, records, issuer, keys, grants } = parts;
  const authenticator = clientAuthenticator(parts);
  return {
    register: registerEndpoint(parts),
    token: new TokenEndpoint(authenticator, grantHandlers(parts), parts.clients),
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

/** Undefined when nobody may register. */
function registerEndpoint(parts: SharedParts): RegisterEndpoint | undefined {
  const { registration = true } = parts.options;
  if (registration === false) return undefined;
  const tokens = registration === true ? undefined : registration.initialAccessTokens;
  return new RegisterEndpoint({
    clients: parts.clients,
    scopes: parts.scopes,
    limit: parts.limits.registrations,
    initialAccessTokens:
      tokens && new InitialAccessTokens(tokens, parts.limits.failedAuthentications),
    events: parts.host.events,
  });
}

function clientAuthenticator(parts: SharedParts): ClientAuthenticator {
  const { clients, records, issuer, publicOutbound, isInUse, limits } = parts;
  const { baseUrl, clock, events } = parts.host;
  const outbound = new OutboundClient();
  const assertions = new ClientAssertions({
    issuer,
    baseUrl,
    keys: new ClientKeySources({
      outbound,
      publicOutbound,
      isInUse,
      lookups: limits.documentLookups,
      clock,
      events,
    }),
    used: new UsedAssertions({ records: records.usedAssertions, clock, maxPerClient: 10_000 }),
    clock,
    events,
  });
  const failures = limits.failedAuthentications;
  return new ClientAuthenticator({ clients, assertions, failures });
}

function grantHandlers(parts: SharedParts): ReadonlyMap<string, GrantHandler> {
  const { records, issuer, keys, lifetimes, grants, codes, life } = parts;
  const { clock, events } = parts.host;
  const tokens = new TokenIssuer({ ...records, issuer, keys, clock, lifetimes });
  const rotations = new RefreshRotations({ ...records, clock, lifetimes });
  const common = { grants, tokens, clock, events };
  return new Map<string, GrantHandler>([
    ['authorization_code', new AuthorizationCodeGrant({ ...common, codes })],
    ['refresh_token', new RefreshTokenGrant({ ...records, ...common, rotations, life })],
  ]);
}
