import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import {
  JwtVerifier,
  OAuth2Upstream,
  type OAuth2UpstreamOptions,
  type OAuthProxyOptions,
  OidcUpstream,
  type OidcUpstreamOptions,
  type TokenVerifier,
  type VerifiedToken,
} from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { LogSink } from '../support/log-sink.js';
import { ManualClock } from '../support/manual-clock.js';
import { connectV2, LoginRefused } from '../support/mcp-clients.js';
import { type ProtectedApp, startProtectedApp } from '../support/protected-app.js';
import { type ProxyFlow, startFlow, tokensOf } from '../support/proxy-flow.js';
import { UpstreamIdp, type UpstreamIdpOptions } from '../support/upstream-idp.js';

/** Takes the provider's word for whose a token is, whatever it is for. */
class AnyJwt implements TokenVerifier {
  verifyToken(token: string): VerifiedToken {
    const [, payload = ''] = token.split('.');
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string };
    return { clientId: 'nest-app', subject: sub, scopes: [] };
  }
}

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

/** What the options of an upstream make of the requests to it. */
describe.each(platforms)('the requests to the upstream, on %s', (platform) => {
  const verifierOf = (idp: UpstreamIdp, audience?: string): JwtVerifier =>
    new JwtVerifier({
      jwksUri: idp.endpoint('jwks'),
      issuer: idp.issuer,
      audience: audience ?? idp.client.id,
    });

  const oauth2 = (idp: UpstreamIdp, changes: Partial<OAuth2UpstreamOptions>): OAuth2Upstream =>
    new OAuth2Upstream({
      authorizationEndpoint: idp.endpoint('authorization'),
      tokenEndpoint: idp.endpoint('token'),
      revocationEndpoint: idp.endpoint('revocation'),
      issuer: idp.issuer,
      clientId: idp.client.id,
      clientSecret: idp.client.secret,
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      tokenVerifier: verifierOf(idp),
      ...changes,
    });

  const oidc = (idp: UpstreamIdp, changes: Partial<OidcUpstreamOptions>): OidcUpstream =>
    new OidcUpstream({
      issuer: idp.issuer,
      clientId: idp.client.id,
      clientSecret: idp.client.secret,
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      extraAuthorizeParams: { prompt: 'consent' },
      ...changes,
    });

  let idp: UpstreamIdp | undefined;
  let flow: ProxyFlow | undefined;

  afterEach(async () => {
    await flow?.close();
    await idp?.stop();
    [flow, idp] = [undefined, undefined];
  });

  async function start(
    provider: UpstreamIdpOptions,
    upstream: (idp: UpstreamIdp) => OAuthProxyOptions['upstream'],
  ) {
    const clock = new ManualClock();
    idp = await UpstreamIdp.start(provider);
    flow = await startFlow({ idp, platform, clock, proxy: { upstream: upstream(idp) } });
    return { idp, flow, clock, client: await flow.register() };
  }

  type Started = Awaited<ReturnType<typeof start>>;

  /** A login and a refresh; answers with the forms of the two token requests. */
  async function loginAndRefresh({ idp, flow, clock, client }: Started) {
    const tokens = await flow.tokensFor(client);
    clock.advance(301);
    const refreshed = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(refreshed.access_token)).toBe(true);
    const [redemption, refresh] = idp.requestsTo('token').map(({ form }) => form ?? {});
    return { redemption, refresh, query: idp.requestsTo('authorization')[0]?.query ?? {} };
  }

  const publicPart = ({ kty, crv, x, y, n, e, kid, alg }: JWK): JWK => ({
    ...Object.fromEntries(
      Object.entries({ kty, crv, x, y, n, e, kid, alg }).filter(([, v]) => v !== undefined),
    ),
    use: 'sig',
  });

  it.each([
    ['RS256', {}],
    ['PS256', { alg: 'PS256' }],
    ['ES256', { kid: 'key-1' }],
    ['EdDSA', { alg: 'EdDSA' }],
  ])('are signed with a key for %s — RFC 7523 §2.2', async (alg, members) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    const clientKey = { ...(await exportJWK(privateKey)), ...members };
    const started = await start(
      { clientAuthentication: 'private_key_jwt', clientKeys: [publicPart({ alg, ...clientKey })] },
      (provider) => oidc(provider, { clientSecret: undefined, clientKey }),
    );
    const { redemption, refresh } = await loginAndRefresh(started);
    for (const form of [redemption, refresh]) {
      expect(form?.['client_assertion_type']).toContain('jwt-bearer');
      expect(form).not.toHaveProperty('client_secret');
    }
    expect(redemption?.['client_assertion']).not.toBe(refresh?.['client_assertion']);
    expect(started.flow.log.contains(redemption?.['client_assertion'] ?? '?')).toBe(false);
  });

  describe.each([
    ['OidcUpstream', oidc],
    ['OAuth2Upstream', oauth2],
  ])('of an %s', (_name, make) => {
    it('have PKCE of their own, and nothing of what the client asks for', async () => {
      const started = await start({}, (provider) => make(provider, {}));
      const { query, redemption } = await loginAndRefresh(started);
      expect(query).toMatchObject({ code_challenge_method: 'S256' });
      expect(query).not.toHaveProperty('resource');
      expect(redemption).toHaveProperty('code_verifier');
      expect(redemption).not.toHaveProperty('resource');
    });

    it('go without PKCE where the upstream refuses it', async () => {
      const started = await start({ pkceRequired: false }, (provider) =>
        make(provider, { forwardPkce: false }),
      );
      const { query, redemption } = await loginAndRefresh(started);
      expect(query).not.toHaveProperty('code_challenge');
      expect(query).not.toHaveProperty('code_challenge_method');
      expect(redemption).not.toHaveProperty('code_verifier');
      const warnings = started.flow.log.matching('warn', 'server.upstream.forwardPkce');
      expect(warnings).toHaveLength(make === oauth2 ? 1 : 0);
    });

    it('name the resource of the client where the upstream is to know it — RFC 8707', async () => {
      const started = await start({}, (provider) =>
        make(provider, {
          forwardResource: true,
          scopes: ['openid', 'offline_access', 'api:read'],
          ...(make === oauth2 && { tokenVerifier: new AnyJwt() }),
        }),
      );
      const { query, redemption, refresh } = await loginAndRefresh(started);
      const { url } = started.flow.app;
      for (const request of [query, redemption, refresh]) expect(request?.['resource']).toBe(url);
    });

    it('carry the extra parameters at login and refresh', async () => {
      const extraTokenParams = { audience: 'https://api.test' };
      const bodies: URLSearchParams[] = [];
      // The provider keeps nothing of a request that it does not know.
      const watched: typeof fetch = (url, init) => {
        if (url === idp?.endpoint('token')) bodies.push(init?.body as URLSearchParams);
        return fetch(url, init);
      };
      const started = await start({}, (provider) =>
        make(provider, { extraTokenParams, fetch: watched }),
      );
      await loginAndRefresh(started);
      expect(bodies).toHaveLength(2);
      for (const body of bodies) {
        expect(body.getAll('audience')).toEqual(['https://api.test']);
      }
    });
  });
});
