// The presets whose vendors issue JWTs; what differs from vendor to vendor is a row here.
import { describe } from '@jest/globals';
import {
  Auth0Provider,
  AuthKitProvider,
  DescopeProvider,
  KeycloakProvider,
  ScalekitProvider,
  SupabaseProvider,
} from '../../lib/index.js';
import { remoteOrigin, remoteResource } from '../support/remote-app.js';
import { auth0Issuer, startAuth0 } from '../support/vendors/auth0.js';
import { authkitIssuer, startAuthKit } from '../support/vendors/authkit.js';
import { descopeIssuer, descopeProject, startDescope } from '../support/vendors/descope.js';
import { keycloakRealm, startKeycloak } from '../support/vendors/keycloak.js';
import { describeJwtPreset } from '../support/vendors/remote-contract.js';
import {
  scalekitEnvironment,
  scalekitResource,
  scalekitServer,
  startScalekit,
} from '../support/vendors/scalekit.js';
import { startSupabase, supabaseIssuer, supabaseProject } from '../support/vendors/supabase.js';

const elsewhere: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ['for another resource', { aud: 'https://other.example.com/mcp' }, 'wrong_audience'],
  ['for the whole origin', { aud: [remoteOrigin, `${remoteOrigin}/`] }, 'wrong_audience'],
  ['for the resource with a slash', { aud: `${remoteResource}/` }, 'wrong_audience'],
];

describe('AuthKitProvider', () => {
  describeJwtPreset({
    name: 'AuthKitProvider',
    server: authkitIssuer,
    jwksUrl: 'https://your-app.authkit.app/oauth2/jwks',
    start: (clock) => startAuthKit(clock, remoteResource),
    provider: (common) =>
      new AuthKitProvider({ authkitDomain: 'https://your-app.authkit.app/', ...common }),
    accepted: {
      issuer: authkitIssuer,
      subject: 'user_01HBEQKA6K4QJAS93VPE39W1JT',
      scopes: ['openid', 'mcp:use'],
      resource: remoteResource,
    },
    hasScopes: true,
    refused: [
      ...elsewhere,
      ['of another environment', { iss: 'https://other-app.authkit.app' }, 'unrecognized'],
      ['whose issuer has a slash', { iss: `${authkitIssuer}/` }, 'unrecognized'],
      // What AuthKit issues when no resource indicator is configured.
      ['for its own client', { aud: 'client_01J1F8NY7YTKNZ' }, 'wrong_audience'],
    ],
  });
});

describe('Auth0Provider', () => {
  describeJwtPreset({
    name: 'Auth0Provider',
    server: auth0Issuer,
    jwksUrl: 'https://your-tenant.eu.auth0.com/.well-known/jwks.json',
    start: (clock) => startAuth0(clock, remoteResource),
    provider: (common) => new Auth0Provider({ domain: 'your-tenant.eu.auth0.com', ...common }),
    accepted: {
      issuer: auth0Issuer,
      subject: 'auth0|507f1f77bcf86cd799439020',
      clientId: 'tpc_my3rdpartyclient',
      scopes: ['openid', 'mcp:use'],
      resource: remoteResource,
    },
    hasScopes: true,
    refused: [
      ...elsewhere,
      ['of another tenant', { iss: 'https://other-tenant.eu.auth0.com/' }, 'unrecognized'],
      ['whose issuer has no slash', { iss: 'https://your-tenant.eu.auth0.com' }, 'unrecognized'],
      // What Auth0 issues without the Resource Parameter Compatibility Profile.
      ['for userinfo alone', { aud: `${auth0Issuer}userinfo` }, 'wrong_audience'],
      ['that is an id token', { aud: 'tpc_my3rdpartyclient' }, 'wrong_audience', { typ: 'JWT' }],
    ],
  });
});

describe('DescopeProvider', () => {
  describeJwtPreset({
    name: 'DescopeProvider',
    server: descopeIssuer,
    jwksUrl: `https://api.descope.com/${descopeProject}/.well-known/jwks.json`,
    start: (clock) => startDescope(clock),
    provider: (common) =>
      new DescopeProvider({
        configUrl: `${descopeIssuer}/.well-known/openid-configuration`,
        ...common,
      }),
    accepted: { issuer: descopeIssuer, resource: descopeProject, scopes: ['openid', 'mcp:use'] },
    hasScopes: true,
    refused: [
      ['of another MCP server of the project', { iss: `${descopeIssuer}2` }, 'unrecognized'],
      [
        'of another application of the project',
        { iss: `https://api.descope.com/v1/apps/${descopeProject}` },
        'unrecognized',
      ],
      // A session of the project's own users.
      ['of the project itself', { iss: descopeProject }, 'unrecognized'],
      ['for its client alone', { aud: 'UDMyanVWa0YyaU06VFBBMzVkMVh3' }, 'wrong_audience'],
    ],
  });
});

describe('KeycloakProvider', () => {
  describeJwtPreset({
    name: 'KeycloakProvider',
    server: keycloakRealm,
    jwksUrl: `${keycloakRealm}/protocol/openid-connect/certs`,
    start: (clock) => startKeycloak(clock, remoteResource),
    provider: (common) => new KeycloakProvider({ realmUrl: `${keycloakRealm}/`, ...common }),
    accepted: {
      issuer: keycloakRealm,
      subject: '2d45b5c9-8f0e-4bb1-a3cd-6b8a5c5fb3d1',
      clientId: 'd2a94f0d-5d0a-4f0c-9b2f-0b1f3f7d7f11',
      scopes: ['openid', 'mcp:use'],
      resource: remoteResource,
    },
    hasScopes: true,
    refused: [
      ...elsewhere,
      ['of another realm', { iss: 'https://keycloak.example.com/realms/other' }, 'unrecognized'],
      // What Keycloak issues without an Audience mapper.
      ['for the account console', { aud: 'account' }, 'wrong_audience'],
      ['that is an id token', { typ: 'ID' }, 'wrong_type'],
      ['that is a refresh token', { typ: 'Refresh' }, 'wrong_type'],
      ['that is bound to a key', { typ: 'DPoP', cnf: { jkt: 'x' } }, 'wrong_type'],
    ],
  });
});

describe('ScalekitProvider', () => {
  describeJwtPreset({
    name: 'ScalekitProvider',
    server: scalekitServer,
    jwksUrl: 'https://your-env.scalekit.com/keys',
    start: (clock) => startScalekit(clock),
    provider: (common) =>
      new ScalekitProvider({
        environmentUrl: 'https://your-env.scalekit.com/',
        resourceId: scalekitResource,
        ...common,
      }),
    accepted: { issuer: scalekitEnvironment, resource: scalekitResource, scopes: ['mcp:use'] },
    hasScopes: true,
    refused: [
      ['of another environment', { iss: 'https://other-env.scalekit.com' }, 'unrecognized'],
      [
        'of another MCP server of the environment',
        { iss: `${scalekitEnvironment}/resources/res_2` },
        'unrecognized',
      ],
      ['for another MCP server', { aud: ['res_2', remoteResource] }, 'wrong_audience'],
      ['for its client', { aud: 'skc_dyn_91442236000108854' }, 'wrong_audience'],
    ],
  });
});

describe('SupabaseProvider', () => {
  describeJwtPreset({
    name: 'SupabaseProvider',
    server: supabaseIssuer,
    jwksUrl: `${supabaseIssuer}/.well-known/jwks.json`,
    start: (clock) => startSupabase(clock),
    provider: (common) => new SupabaseProvider({ projectUrl: `${supabaseProject}/`, ...common }),
    accepted: {
      issuer: supabaseIssuer,
      subject: '3f0c4d5e-6a7b-4c8d-9e0f-1a2b3c4d5e6f',
      clientId: '9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d',
      scopes: [],
    },
    hasScopes: false,
    refused: [
      ['of another project', { iss: 'https://other.supabase.co/auth/v1' }, 'unrecognized'],
      ['that is a session of its own app', { client_id: undefined }, 'no_client'],
      ['of nobody', { aud: 'anon' }, 'wrong_audience'],
      ['that is an id token', { aud: '9a8b7c6d-5e4f-3a2b-1c0d-9e8f7a6b5c4d' }, 'wrong_audience'],
    ],
  });
});
