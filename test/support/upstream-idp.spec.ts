import { afterEach, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { Browser } from './browser.js';
import type { Visit } from './browser.js';
import { freePort } from './free-port.js';
import { UpstreamIdp } from './upstream-idp.js';
import type { UpstreamIdpOptions } from './upstream-idp.js';

const insecure = { [oauth.allowInsecureRequests]: true };

describe('UpstreamIdp', () => {
  const running: UpstreamIdp[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((idp) => idp.stop()));
  });

  async function start(options: UpstreamIdpOptions = {}): Promise<UpstreamIdp> {
    const idp = await UpstreamIdp.start(options);
    running.push(idp);
    return idp;
  }

  /** A login by the book: code, PKCE, state, nonce and `iss`. */
  async function begin(idp: UpstreamIdp, scope = 'openid profile email api:read') {
    const issuer = new URL(idp.issuer);
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, insecure),
    );
    const redirectUri = `http://127.0.0.1:${await freePort()}/auth/callback`;
    idp.setRedirectUris([redirectUri]);
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const url = new URL(as.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: idp.client.id,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString();
    const client: oauth.Client = { client_id: idp.client.id };
    const authentication = oauth.ClientSecretBasic(idp.client.secret);
    const redeem = async (visit: Visit) => {
      const params = oauth.validateAuthResponse(as, client, new URL(visit.url), state);
      const response = await oauth.authorizationCodeGrantRequest(
        as,
        client,
        authentication,
        params,
        redirectUri,
        verifier,
        insecure,
      );
      return oauth.processAuthorizationCodeResponse(as, client, response, {
        expectedNonce: nonce,
      });
    };
    const refresh = async (refreshToken: string) =>
      oauth.processRefreshTokenResponse(
        as,
        client,
        await oauth.refreshTokenGrantRequest(as, client, authentication, refreshToken, insecure),
      );
    return { as, client, authentication, url, redirectUri, redeem, refresh };
  }

  it('logs alice in through its pages and issues tokens that verify', async () => {
    const idp = await start();
    const login = await begin(idp);

    const page = await new Browser().open(login.url);
    expect(page.status).toBe(200);
    expect(page.forms[0]?.fields.map((field) => field.name)).toContain('login');

    const visit = await new Browser().walk(login.url, {
      user: 'alice',
      stopAt: login.redirectUri,
    });
    expect(visit).toMatchObject({ stopped: true, status: 0 });
    expect(new URL(visit.url).searchParams.get('iss')).toBe(idp.issuer);
    const tokens = await login.redeem(visit);

    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({
      sub: 'alice',
      name: 'Alice Archer',
      email: 'alice@example.com',
      preferred_username: 'alice',
    });
    const { payload, protectedHeader } = await jwtVerify(
      tokens.access_token,
      createRemoteJWKSet(new URL(idp.endpoint('jwks'))),
      { issuer: idp.issuer, audience: 'nest-app', typ: 'at+jwt' },
    );
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toMatchObject({ sub: 'alice', client_id: 'nest-app', scope: 'api:read' });
    expect(idp.requestsTo('token')).toMatchObject([
      { method: 'POST', status: 200, form: { grant_type: 'authorization_code' } },
    ]);
  });

  it('rotates refresh tokens, and refuses them once the user is gone', async () => {
    const idp = await start();
    const login = await begin(idp);
    const visit = await new Browser().walk(login.url, { user: 'bob', stopAt: login.redirectUri });
    const first = await login.redeem(visit);

    const second = await login.refresh(first.refresh_token ?? '');
    expect(second.refresh_token).not.toBe(first.refresh_token);

    idp.revokeUser('bob');
    await expect(login.refresh(second.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('issues opaque tokens that userinfo and introspection know', async () => {
    const idp = await start({ accessTokenFormat: 'opaque', refreshTokens: false });
    const { as, client, authentication, url, redirectUri, redeem } = await begin(idp);
    const visit = await new Browser().walk(url, { user: 'alice', stopAt: redirectUri });
    const tokens = await redeem(visit);

    expect(tokens.refresh_token).toBeUndefined();
    expect(tokens.access_token).not.toContain('.');
    const info = await oauth.userInfoRequest(as, client, tokens.access_token, insecure);
    await expect(info.json()).resolves.toMatchObject({ sub: 'alice', email: 'alice@example.com' });
    const introspect = async () =>
      (
        await oauth.introspectionRequest(as, client, authentication, tokens.access_token, insecure)
      ).json();
    await expect(introspect()).resolves.toMatchObject({ active: true, sub: 'alice' });
    await oauth.revocationRequest(as, client, authentication, tokens.access_token, insecure);
    await expect(introspect()).resolves.toMatchObject({ active: false });
  });

  it('sends the user back with access_denied when the login is cancelled', async () => {
    const login = await begin(await start());
    const visit = await new Browser().walk(login.url, {
      user: 'alice',
      upstreamDecision: 'cancel',
      stopAt: login.redirectUri,
    });
    expect(new URL(visit.url).searchParams.get('error')).toBe('access_denied');
  });

  it('refuses an authorization request without PKCE', async () => {
    const { url, redirectUri } = await begin(await start());
    url.searchParams.delete('code_challenge');
    url.searchParams.delete('code_challenge_method');
    const visit = await new Browser().open(url, { stopAt: redirectUri });
    expect(new URL(visit.url).searchParams.get('error')).toBe('invalid_request');
  });

  it('leaves iss out, and says so, when it is told to', async () => {
    const idp = await start({ issParameter: false });
    const { as, url, redirectUri, redeem } = await begin(idp);
    expect(as.authorization_response_iss_parameter_supported).toBeUndefined();
    const visit = await new Browser().walk(url, { user: 'alice', stopAt: redirectUri });
    expect(new URL(visit.url).searchParams.has('iss')).toBe(false);
    await expect(redeem(visit)).resolves.toHaveProperty('access_token');
  });

  it('keeps the sessions of two providers in one process apart', async () => {
    const [one, two] = [await start(), await start()];
    const browser = new Browser();
    for (const idp of [one, two]) {
      const { url, redirectUri, redeem } = await begin(idp);
      const visit = await browser.walk(url, { user: 'alice', stopAt: redirectUri });
      const tokens = await redeem(visit);
      expect(decodeJwt(tokens.access_token).iss).toBe(idp.issuer);
    }
    expect(two.requests.map((request) => request.path)).not.toContain('/elsewhere');
  });

  it('fails in the ordered way, so often as ordered, and then works', async () => {
    const idp = await start();
    const jwks = () => fetch(idp.endpoint('jwks'), { redirect: 'manual' });

    idp.failNext('jwks', '500', 2);
    expect((await jwks()).status).toBe(500);
    expect((await jwks()).status).toBe(500);
    expect((await jwks()).status).toBe(200);

    idp.failNext('jwks', 'html');
    expect((await jwks()).headers.get('content-type')).toBe('text/html');
    idp.failNext('jwks', 'redirect');
    expect((await jwks()).headers.get('location')).toBe(`${idp.issuer}/elsewhere`);
    idp.failNext('jwks', 'garbage');
    await expect(jwks().then((r) => r.json())).rejects.toThrow('JSON');
    idp.failNext('jwks', { status: 429, body: { error: 'slow_down' } });
    expect((await jwks()).status).toBe(429);
    idp.failNext('jwks', 'disconnect');
    await expect(jwks()).rejects.toThrow('fetch failed');
    idp.failNext('jwks', 'hang');
    const signal = AbortSignal.timeout(200);
    await expect(fetch(idp.endpoint('jwks'), { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });

    idp.failNext('jwks', 'huge');
    const reader = (await jwks()).body?.getReader();
    let received = 0;
    while (received < 5_000_000) received += (await reader?.read())?.value?.length ?? 0;
    await reader?.cancel();
    expect((await jwks()).status).toBe(200);
  });

  it('lets a test change an answer, and hold requests back', async () => {
    const idp = await start();
    idp.tamperNext('discovery', (body) => ({ ...body, issuer: 'https://evil.example' }));
    const discover = async () =>
      (await (await fetch(idp.endpoint('discovery'))).json()) as { issuer: string };
    expect((await discover()).issuer).toBe('https://evil.example');
    expect((await discover()).issuer).toBe(idp.issuer);

    const held = idp.hold('jwks');
    const answers = Promise.all([fetch(idp.endpoint('jwks')), fetch(idp.endpoint('jwks'))]);
    await held.arrived(2);
    expect(idp.requestsTo('jwks').map(({ status }) => status)).toEqual([undefined, undefined]);
    held.release();
    expect((await answers).map(({ status }) => status)).toEqual([200, 200]);
  });
});
