import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { hosts, identities, type Identity, LibraryRig, listTools } from './library-rig.js';

// The app is on this machine. Everything else the library checks stays checked.
const http = { [oauth.allowInsecureRequests]: true } as const;

describe.each(hosts)(
  'oauth4webapi, with an app on $platform, the issuer path "$issuerPath" and tokens of $algorithm',
  (host) => {
    let rig: LibraryRig;
    let as: oauth.AuthorizationServer;

    beforeAll(async () => {
      rig = await LibraryRig.start(host);
      as = await discover();
    });

    afterAll(() => rig.close());

    /** From the MCP URL alone, as an MCP client. */
    async function discover(): Promise<oauth.AuthorizationServer> {
      const resource = new URL(rig.resource);
      const { authorization_servers: servers } = await oauth.processResourceDiscoveryResponse(
        resource,
        await oauth.resourceDiscoveryRequest(resource, http),
      );
      const issuer = new URL(servers?.[0] ?? '');
      const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http });
      return oauth.processDiscoveryResponse(issuer, response);
    }

    async function clientOf(identity: Identity) {
      const { origin, method } = identity;
      const client: oauth.Client =
        origin === 'registration'
          ? await oauth.processDynamicClientRegistrationResponse(
              await oauth.dynamicClientRegistrationRequest(as, rig.registration(method), http),
            )
          : { client_id: rig.clientId(identity) };
      const secret = (client['client_secret'] as string | undefined) ?? rig.clientSecret;
      const authentication = {
        none: oauth.None(),
        client_secret_basic: oauth.ClientSecretBasic(secret),
        client_secret_post: oauth.ClientSecretPost(secret),
        private_key_jwt: oauth.PrivateKeyJwt(rig.clientKey),
      }[method];
      return new TestedClient(client, authentication);
    }

    class TestedClient {
      readonly #verifier = oauth.generateRandomCodeVerifier();

      constructor(
        private readonly client: oauth.Client,
        private readonly authentication: oauth.ClientAuth,
      ) {}

      get id(): string {
        return this.client.client_id;
      }

      async logIn(): Promise<{ callback: URL; state: string }> {
        const state = oauth.generateRandomState();
        const url = new URL(as.authorization_endpoint ?? '');
        url.search = new URLSearchParams({
          response_type: 'code',
          client_id: this.id,
          redirect_uri: rig.redirectUri,
          state,
          code_challenge: await oauth.calculatePKCECodeChallenge(this.#verifier),
          code_challenge_method: 'S256',
          scope: 'mcp:use notes:read',
          resource: rig.resource,
        }).toString();
        return { callback: await rig.logIn(url), state };
      }

      check(callback: URL, state: string): URLSearchParams {
        return oauth.validateAuthResponse(as, this.client, callback, state);
      }

      async redeem(parameters: URLSearchParams, verifier = this.#verifier) {
        const response = await oauth.authorizationCodeGrantRequest(
          as,
          this.client,
          this.authentication,
          parameters,
          rig.redirectUri,
          verifier,
          { ...http, additionalParameters: { resource: rig.resource } },
        );
        return oauth.processAuthorizationCodeResponse(as, this.client, response);
      }

      async tokens() {
        const { callback, state } = await this.logIn();
        return this.redeem(this.check(callback, state));
      }

      async refresh(refreshToken = '') {
        const response = await oauth.refreshTokenGrantRequest(
          as,
          this.client,
          this.authentication,
          refreshToken,
          http,
        );
        return oauth.processRefreshTokenResponse(as, this.client, response);
      }

      async revoke(token = ''): Promise<void> {
        await oauth.processRevocationResponse(
          await oauth.revocationRequest(as, this.client, this.authentication, token, http),
        );
      }
    }

    async function callMcp(accessToken: string): Promise<string> {
      const response = await oauth.protectedResourceRequest(
        accessToken,
        'POST',
        new URL(rig.resource),
        new Headers(listTools.headers),
        listTools.body,
        http,
      );
      return response.text();
    }

    function claimsOf(accessToken: string, audience = rig.resource) {
      const headers = { authorization: `Bearer ${accessToken}` };
      const request = new Request(rig.resource, { headers });
      return oauth.validateJwtAccessToken(as, request, audience, http);
    }

    const refusedGrant = { error: 'invalid_grant', status: 400 };
    const refusedToken = {
      status: 401,
      cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }],
    };

    it.each(identities)('logs in, refreshes and revokes: $origin, $method', async (identity) => {
      const client = await clientOf(identity);
      const tokens = await client.tokens();
      expect(await callMcp(tokens.access_token)).toContain('whoami');

      const refreshed = await client.refresh(tokens.refresh_token);
      expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
      expect(await callMcp(refreshed.access_token)).toContain('whoami');

      await client.revoke(refreshed.refresh_token);
      await expect(callMcp(refreshed.access_token)).rejects.toMatchObject(refusedToken);
      await expect(client.refresh(refreshed.refresh_token)).rejects.toMatchObject(refusedGrant);
    });

    it('may use an encoded secret as often as it likes', async () => {
      const client = await clientOf({ origin: 'configuration', method: 'client_secret_basic' });
      for (let i = 0; i < 60; i++) await client.revoke('of nobody');
      const { access_token: token } = await client.tokens();
      expect(await callMcp(token)).toContain('whoami');
    });

    it('validates the access token with the published keys, as RFC 9068 says', async () => {
      const client = await clientOf({ origin: 'registration', method: 'none' });
      const { access_token: token } = await client.tokens();
      await expect(claimsOf(token)).resolves.toMatchObject({
        iss: rig.flow.issuer,
        aud: rig.resource,
        sub: 'alice',
        client_id: client.id,
        scope: 'mcp:use notes:read',
      });
      await expect(claimsOf(token, `${rig.resource}2`)).rejects.toThrow(/audience|"aud"/);
      await expect(claimsOf(`${token.slice(0, -8)}AAAAAAAA`)).rejects.toThrow(/signature/);
    });

    it('finds state and issuer in every answer', async () => {
      const client = await clientOf({ origin: 'registration', method: 'none' });
      const { callback, state } = await client.logIn();
      expect(() => client.check(callback, oauth.generateRandomState())).toThrow(/state/);
      const without = new URL(callback);
      without.searchParams.delete('iss');
      expect(() => client.check(without, state)).toThrow(/iss/);
      expect(client.check(callback, state).get('iss')).toBe(rig.flow.issuer);
    });

    it('needs the verifier of its own challenge, and a mistake costs it nothing', async () => {
      const client = await clientOf({ origin: 'registration', method: 'none' });
      const { callback, state } = await client.logIn();
      const parameters = client.check(callback, state);
      const other = oauth.generateRandomCodeVerifier();
      await expect(client.redeem(parameters, other)).rejects.toMatchObject(refusedGrant);
      const { access_token: token } = await client.redeem(parameters);
      expect(await callMcp(token)).toContain('whoami');
    });
  },
);
