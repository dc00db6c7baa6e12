import { VendorHost } from './vendor-host.js';

export const propelAuthUrl = 'https://auth.example.com';
export const propelAuthServer = `${propelAuthUrl}/oauth/2.1`;
export const propelAuthClient = {
  id: '0b8c2e6fd5a04c0f9a5f4a1c8e7d6b5a',
  secret: 'introspection-secret-of-propelauth-4c1a9e7b',
} as const;

/**
 * A PropelAuth environment with MCP enabled (https://docs.propelauth.com/reference/api/mcp): tokens are
 * asked about at `/oauth/2.1/introspect` with Basic credentials; without them, or with wrong ones, it
 * answers 401, and 400 without a token.
 */
export class FakePropelAuth {
  /** What is said of the tokens that are active. */
  readonly tokens = new Map<string, Record<string, unknown>>();
  readonly host = new VendorHost(propelAuthUrl, {
    'GET /.well-known/oauth-authorization-server/oauth/2.1': () =>
      Response.json({
        issuer: propelAuthServer,
        authorization_endpoint: `${propelAuthServer}/authorize`,
        token_endpoint: `${propelAuthServer}/token`,
        registration_endpoint: `${propelAuthServer}/register`,
        introspection_endpoint: `${propelAuthServer}/introspect`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
      }),
    'POST /oauth/2.1/introspect': ({ headers, form }) => {
      const { id, secret } = propelAuthClient;
      const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
      if (headers['authorization'] !== basic) {
        return Response.json({ error: 'invalid_client' }, { status: 401 });
      }
      const token = form.get('token');
      if (token === null) return Response.json({ error: 'invalid_request' }, { status: 400 });
      const known = this.tokens.get(token);
      return Response.json(known ? { active: true, ...known } : { active: false });
    },
  });
}
