import type { Clock } from '../../../lib/index.js';
import { JwtVendor } from './jwt-vendor.js';

export const supabaseProject = 'https://abcdefghijklmnopqrst.supabase.co';
export const supabaseIssuer = `${supabaseProject}/auth/v1`;

/**
 * A Supabase project with the OAuth 2.1 server and asymmetric keys: the token of
 * https://supabase.com/docs/guides/auth/oauth-server/token-security, which is for `authenticated`
 * whatever resource was asked for, and has no scopes. Sessions of its own apps have no `client_id`.
 */
export function startSupabase(clock: Clock, algorithm = 'ES256'): Promise<JwtVendor> {
  return JwtVendor.start({
    origin: supabaseProject,
    jwksPath: '/auth/v1/.well-known/jwks.json',
    algorithm,
    claims: {
      iss: supabaseIssuer,
      aud: 'authenticated',
      sub: '3f0c4d5e-6a7b-4c8d-9e0f-1a2b3c4d5e6f',
      role: 'authenticated',
      user_id: '3f0c4d5e-6a7b-4c8d-9e0f-1a2b3c4d5e6f',
      email: 'user@example.com',
      client_id: '9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d',
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: 1735815600 }],
      session_id: '0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b',
      is_anonymous: false,
    },
    metadata: {
      '/.well-known/oauth-authorization-server/auth/v1': {
        issuer: supabaseIssuer,
        authorization_endpoint: `${supabaseIssuer}/oauth/authorize`,
        token_endpoint: `${supabaseIssuer}/oauth/token`,
        registration_endpoint: `${supabaseIssuer}/oauth/clients/register`,
        jwks_uri: `${supabaseIssuer}/.well-known/jwks.json`,
        scopes_supported: ['openid', 'profile', 'email', 'phone'],
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
      },
    },
    clock,
  });
}
