import type { Clock } from '../../../lib/index.js';
import { StandardOidcVendor } from './standard-oidc-vendor.js';

/**
 * An instance of GitLab, after "GitLab as OpenID Connect identity provider" and "OAuth 2.0 identity
 * provider API" of its documentation. Access tokens are good for two hours, id_tokens for two minutes;
 * every login yields a refresh token, and each is good for one refresh.
 */
export function startGitLab(
  clock: Clock,
  issuer = 'https://gitlab.com',
): Promise<StandardOidcVendor> {
  const path = new URL(`${issuer}/`).pathname.slice(0, -1);
  return StandardOidcVendor.start(clock, {
    client: {
      id: '5e1dd6b1c0f8a7e24d3b96f0a8c7e5d4b3a2918070f6e5d4c3b2a19080706050',
      secret: 'gloas-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    },
    otherApp: { id: '6e1dd6b1c0f8a7e24d3b96f0a8c7e5d4', secret: 'gloas-of-another' },
    issuer,
    discovery: `${path}/.well-known/openid-configuration`,
    authorize: `${path}/oauth/authorize`,
    token: `${path}/oauth/token`,
    jwks: `${path}/oauth/discovery/keys`,
    userinfo: `${path}/oauth/userinfo`,
    revocation: `${path}/oauth/revoke`,
    authentication: 'client_secret_post',
    lifetimeSeconds: 7200,
    scopes: ['openid', 'profile', 'email', 'read_user', 'api'],
    parameters: ['root_namespace_id'],
    alwaysRefreshable: true,
    claims: () => ({ exp: Math.floor(Date.now() / 1000) + 120, auth_time: 1_750_000_000 }),
    users: {
      alice: {
        sub: '1574083',
        name: 'Alice Archer',
        nickname: 'alice',
        preferred_username: 'alice',
        groups_direct: ['acme', 'acme/platform'],
      },
      bob: { sub: '1574084', nickname: 'bob', groups_direct: [] },
    },
  });
}
