import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JwtVerifier, OAuth2Upstream, type OAuth2UpstreamOptions } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { LogSink } from '../support/log-sink.js';
import { connectV2, LoginRefused } from '../support/mcp-clients.js';
import { type ProtectedApp, startProtectedApp } from '../support/protected-app.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

describe.each(platforms)(
  'an OAuth 2 server without OpenID Connect as the upstream, on %s',
  (platform) => {
    let idp: UpstreamIdp;
    const running: ProtectedApp[] = [];

    beforeAll(async () => {
      idp = await UpstreamIdp.start();
    });

    afterAll(async () => {
      await Promise.all(running.map((app) => app.close()));
      await idp.stop();
    });

    async function start(
      changes: Partial<OAuth2UpstreamOptions> = {},
      logger?: LogSink,
    ): Promise<ProtectedApp> {
      const upstream = new OAuth2Upstream({
        authorizationEndpoint: idp.endpoint('authorization'),
        tokenEndpoint: idp.endpoint('token'),
        revocationEndpoint: idp.endpoint('revocation'),
        issuer: idp.issuer,
        clientId: idp.client.id,
        clientSecret: idp.client.secret,
        tokenVerifier: new JwtVerifier({
          jwksUri: idp.endpoint('jwks'),
          issuer: idp.issuer,
          audience: idp.client.id,
        }),
        ...changes,
      });
      const app = await startProtectedApp({
        idp,
        platform,
        ...(logger && { logger }),
        proxy: { upstream, validScopes: ['api:read', 'api:write', 'api:unknown-upstream'] },
        module: { requiredScopes: ['api:read'] },
      });
      running.push(app);
      return app;
    }

    it('takes the user from the access token', async () => {
      const app = await start({ embedClaims: ['email'] });
      const connection = await connectV2({ url: app.url, browser: new Browser(), user: 'bob' });
      expect(await connection.whoami()).toMatchObject({
        extra: { subject: 'bob', issuer: app.issuer, claims: { email: 'bob@example.com' } },
      });
      await connection.close();
    });

    it('asks the upstream for the scopes of the client and grants what the upstream grants of them', async () => {
      const app = await start();
      const scope = 'api:read api:write api:unknown-upstream';
      const connection = await connectV2({
        url: app.url,
        browser: new Browser(),
        clientMetadata: { scope },
      });
      await connection.close();
      const authorization = new URL(connection.provider.authorizationUrls[0] ?? '');
      authorization.searchParams.set('scope', scope);
      const visit = await new Browser().walk(authorization, {
        user: 'alice',
        stopAt: connection.provider.redirectUrl,
      });
      expect(idp.requestsTo('authorization').at(-1)?.query['scope'] ?? '').toBe(scope);
      const code = new URL(visit.url).searchParams.get('code');
      expect(code).toBeTruthy();
      const response = await fetch(`${app.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: code ?? '',
          client_id: connection.provider.clientInformation()?.client_id ?? '',
          code_verifier: connection.provider.codeVerifier(),
          redirect_uri: connection.provider.redirectUrl,
        }),
      });
      expect(await response.json()).toMatchObject({ scope: 'api:read api:write' });
    });

    it('does not let in whom its own verifier refuses, and says loudly why', async () => {
      const logger = new LogSink();
      const tokenVerifier = new JwtVerifier({
        jwksUri: idp.endpoint('jwks'),
        issuer: idp.issuer,
        audience: 'another-audience',
      });
      const app = await start({ tokenVerifier }, logger);
      const login = connectV2({ url: app.url, browser: new Browser() });
      const refused = await login.catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(LoginRefused);
      expect((refused as LoginRefused).callback.searchParams.get('error')).toBe('server_error');
      expect(logger.matching('error', 'upstream.token_unverifiable')).toHaveLength(1);
    });

    it('refuses an answer of another issuer before the code is redeemed — CB-12', async () => {
      const app = await start({ issuer: 'https://another-issuer.example' });
      const redemptions = idp.requestsTo('token').length;
      const login = connectV2({ url: app.url, browser: new Browser() });
      await expect(login).rejects.toThrow(LoginRefused);
      expect(idp.requestsTo('token')).toHaveLength(redemptions);
    });
  },
);
