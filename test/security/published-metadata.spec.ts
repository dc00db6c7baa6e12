import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { connectV2, type McpConnection } from '../support/mcp-clients.js';
import { type ProtectedApp, startProtectedApp } from '../support/protected-app.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { type TestedApp, tested } from '../e2e/module/support.js';

const issuers = [
  {
    kind: 'at the root',
    issuerPath: '',
    serverDocuments: [
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
    ],
    absent: ['/.well-known/oauth-authorization-server/tenant'],
  },
  {
    kind: 'with a path (MD-04)',
    issuerPath: '/tenant',
    serverDocuments: [
      '/.well-known/oauth-authorization-server/tenant',
      '/.well-known/openid-configuration/tenant',
      '/tenant/.well-known/openid-configuration',
    ],
    absent: [
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/other',
      '/.well-known/oauth-authorization-server/tenant/more',
    ],
  },
] as const;

const resourceDocuments = [
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/oauth-protected-resource',
];

describe.each(platforms)('the published documents on %s', (platform) => {
  let idp: UpstreamIdp;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
  });

  afterAll(() => idp.stop());

  describe.each(issuers)('of an issuer $kind', ({ issuerPath, serverDocuments, absent }) => {
    let protectedApp: ProtectedApp;
    let app: TestedApp;

    beforeAll(async () => {
      protectedApp = await startProtectedApp({ idp, platform, issuerPath });
      app = tested(protectedApp.app, protectedApp.origin, () => protectedApp.close());
    });

    afterAll(() => app.close());

    it('are where clients look, and nowhere else — MD-04', async () => {
      for (const path of [...serverDocuments, ...resourceDocuments]) {
        expect((await app.request(path)).status).toBe(200);
      }
      for (const path of [...absent, '/.well-known/oauth-protected-resource/other']) {
        expect((await app.request(path)).status).toBe(404);
      }
    });

    it('name one issuer and one resource everywhere', async () => {
      const { issuer, url } = protectedApp;
      const bodies = await Promise.all(serverDocuments.map((path) => app.request(path)));
      for (const { json } of bodies) expect(json).toEqual(bodies[0]?.json);
      expect(bodies[0]?.json).toMatchObject({ issuer, protected_resources: [url] });
      for (const path of resourceDocuments) {
        const { json } = await app.request(path);
        expect(json).toMatchObject({ resource: url, authorization_servers: [issuer] });
      }
      const challenge = (await app.request('/mcp')).headers.get('www-authenticate');
      expect(challenge).toContain(`"${protectedApp.origin}${resourceDocuments[0]}"`);
    });

    it('are JSON for caches and for browsers of every origin, and answer HEAD', async () => {
      for (const path of [...serverDocuments, ...resourceDocuments]) {
        const full = await app.request(path, {
          headers: { accept: 'text/html', origin: 'https://a.b' },
        });
        const head = await app.request(path, { method: 'HEAD' });
        for (const { status, headers } of [full, head]) {
          expect(status).toBe(200);
          expect(headers.get('content-type')).toMatch(/^application\/json/);
          expect(headers.get('cache-control')).toBe('public, max-age=300');
          expect(headers.get('access-control-allow-origin')).toBe('*');
          expect(headers.get('access-control-allow-credentials')).toBeNull();
        }
        expect(head.text).toBe('');
      }
    });

    it('take no other method (MD-09)', async () => {
      for (const path of [...serverDocuments, ...resourceDocuments]) {
        for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
          const answer = await app.request(path, { method });
          expect(answer.status).toBe(405);
          expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
        }
      }
    });

    it('do not change with the host a request names (MD-03)', async () => {
      const headers = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
      for (const path of [...serverDocuments, ...resourceDocuments, '/mcp']) {
        const { text, headers: answered } = await app.request(path, { headers });
        expect(text + (answered.get('www-authenticate') ?? '')).not.toContain('evil');
      }
    });

    it('do not ask clients for offline_access on behalf of the resource (MD-08)', async () => {
      for (const path of resourceDocuments) {
        expect((await app.request(path)).text).not.toContain('offline_access');
      }
    });
  });

  describe('promise what works (MD-07)', () => {
    let protectedApp: ProtectedApp;
    let app: TestedApp;
    let document: Record<string, unknown>;
    let connection: McpConnection<unknown>;

    const list = (member: string): readonly string[] => document[member] as string[];
    const pathOf = (member: string): string => new URL(String(document[member])).pathname;

    beforeAll(async () => {
      protectedApp = await startProtectedApp({ idp, platform });
      app = tested(protectedApp.app, protectedApp.origin, () => protectedApp.close());
      document = (await app.request('/.well-known/oauth-authorization-server')).json;
      connection = await connectV2({ url: protectedApp.url, browser: new Browser() });
    });

    afterAll(async () => {
      await connection.close();
      await app.close();
    });

    const register = (metadata: object) =>
      app.postJson(pathOf('registration_endpoint'), {
        redirect_uris: ['http://127.0.0.1/cb'],
        ...metadata,
      });

    it('registration takes each authentication method named, and no other', async () => {
      const { publicKey } = await generateKeyPair('ES256');
      const jwks = { keys: [await exportJWK(publicKey)] };
      for (const method of list('token_endpoint_auth_methods_supported')) {
        const keys = method === 'private_key_jwt' ? { jwks } : {};
        const { status, json } = await register({ token_endpoint_auth_method: method, ...keys });
        expect([status, json['token_endpoint_auth_method']]).toEqual([201, method]);
        expect(json['client_secret'] !== undefined).toBe(method.startsWith('client_secret_'));
      }
      const other = await register({ token_endpoint_auth_method: 'tls_client_auth' });
      expect(other.status).toBe(400);
    });

    it('the token endpoint knows each grant type named, and no other', async () => {
      const { json: client } = await register({});
      const ask = async (grant: string) =>
        (
          await app.postForm(pathOf('token_endpoint'), {
            client_id: String(client['client_id']),
            grant_type: grant,
          })
        ).json['error'];
      for (const grant of list('grant_types_supported')) {
        expect(await ask(grant)).not.toBe('unsupported_grant_type');
      }
      for (const grant of ['client_credentials', 'password', 'implicit']) {
        expect(await ask(grant)).toBe('unsupported_grant_type');
      }
    });

    it('logins use S256, code and iss; what is not named is refused', async () => {
      expect(document).toMatchObject({
        response_types_supported: ['code'],
        response_modes_supported: ['query'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      });
      const [callback] = connection.provider.callbacks;
      expect(callback?.searchParams.getAll('iss')).toEqual([document['issuer']]);
      const asked = connection.provider.authorizationUrls[0] ?? new URL('about:blank');
      const refusal = async (name: string, value: string) => {
        const url = new URL(asked);
        url.searchParams.set(name, value);
        const { headers } = await app.request(url.pathname + url.search);
        return new URL(headers.get('location') ?? '').searchParams.get('error');
      };
      expect(await refusal('response_type', 'token')).toBe('unsupported_response_type');
      expect(await refusal('code_challenge_method', 'plain')).toBe('invalid_request');
      expect(await refusal('response_mode', 'form_post')).toBe('invalid_request');
    });

    it('the scopes named can be had', async () => {
      expect(list('scopes_supported')).toContain('mcp:use');
      expect(connection.provider.tokens()?.scope?.split(' ')).toEqual(
        expect.arrayContaining(['mcp:use']),
      );
    });

    it('a JWKS is named exactly when there are public keys', async () => {
      expect(document['jwks_uri']).toBeUndefined();
      expect((await app.request('/jwks')).status).toBe(404);
    });

    it('revocation revokes at once', async () => {
      const token = connection.provider.tokens()?.access_token ?? '';
      expect((await app.call('/mcp', token)).status).not.toBe(401);
      const client = connection.provider.clientInformation();
      const revoked = await app.postForm(pathOf('revocation_endpoint'), {
        token,
        client_id: client?.client_id ?? '',
      });
      expect(revoked.status).toBe(200);
      expect((await app.call('/mcp', token)).status).toBe(401);
    });
  });
});
