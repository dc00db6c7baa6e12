import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as openid from 'openid-client';
import { hosts, identities, type Identity, LibraryRig, listTools } from './library-rig.js';

// The app is on this machine, and no OpenID provider. All else the library checks stays checked.
const options: openid.DiscoveryRequestOptions = {
  algorithm: 'oauth2',
  execute: [openid.allowInsecureRequests],
};

describe.each(hosts)(
  'openid-client, with an app on $platform and the issuer path "$issuerPath"',
  (host) => {
    let rig: LibraryRig;

    beforeAll(async () => {
      rig = await LibraryRig.start(host);
    });

    afterAll(() => rig.close());

    function authenticationOf(method: Identity['method'], secret?: string): openid.ClientAuth {
      switch (method) {
        case 'none':
          return openid.None();
        case 'client_secret_basic':
          return openid.ClientSecretBasic(secret);
        case 'client_secret_post':
          return openid.ClientSecretPost(secret);
        case 'private_key_jwt':
          return openid.PrivateKeyJwt(rig.clientKey);
      }
    }

    function clientOf(identity: Identity): Promise<openid.Configuration> {
      const { origin, method } = identity;
      const issuer = new URL(rig.flow.issuer);
      if (origin === 'registration') {
        const metadata = rig.registration(method);
        return openid.dynamicClientRegistration(
          issuer,
          metadata,
          // The secret is the one that the registration answers.
          authenticationOf(method),
          options,
        );
      }
      const authentication = authenticationOf(method, rig.clientSecret);
      return openid.discovery(issuer, rig.clientId(identity), undefined, authentication, options);
    }

    async function logIn(client: openid.Configuration) {
      const pkceCodeVerifier = openid.randomPKCECodeVerifier();
      const expectedState = openid.randomState();
      const url = openid.buildAuthorizationUrl(client, {
        redirect_uri: rig.redirectUri,
        scope: 'mcp:use notes:read',
        state: expectedState,
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        resource: rig.resource,
      });
      return { callback: await rig.logIn(url), checks: { pkceCodeVerifier, expectedState } };
    }

    async function callMcp(client: openid.Configuration, accessToken: string): Promise<string> {
      const response = await openid.fetchProtectedResource(
        client,
        accessToken,
        new URL(rig.resource),
        'POST',
        listTools.body,
        new Headers(listTools.headers),
      );
      return response.text();
    }

    const refusedGrant = { error: 'invalid_grant', status: 400 };
    const refusedToken = {
      status: 401,
      cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }],
    };

    it.each(identities)('logs in, refreshes and revokes: $origin, $method', async (identity) => {
      const client = await clientOf(identity);
      const { callback, checks } = await logIn(client);
      const resource = { resource: rig.resource };
      const tokens = await openid.authorizationCodeGrant(client, callback, checks, resource);
      expect(tokens.scope).toBe('mcp:use notes:read');
      expect(await callMcp(client, tokens.access_token)).toContain('whoami');

      const refreshed = await openid.refreshTokenGrant(client, tokens.refresh_token ?? '');
      expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
      expect(await callMcp(client, refreshed.access_token)).toContain('whoami');

      const last = refreshed.refresh_token ?? '';
      await openid.tokenRevocation(client, last);
      await expect(callMcp(client, refreshed.access_token)).rejects.toMatchObject(refusedToken);
      await expect(openid.refreshTokenGrant(client, last)).rejects.toMatchObject(refusedGrant);
    });

    it('refuses an answer of another login, of no issuer, and with another verifier', async () => {
      const client = await clientOf({ origin: 'registration', method: 'none' });
      const { callback, checks } = await logIn(client);
      const redeem = (url: URL, changes: openid.AuthorizationCodeGrantChecks = {}) =>
        openid.authorizationCodeGrant(client, url, { ...checks, ...changes });
      await expect(redeem(callback, { expectedState: openid.randomState() })).rejects.toMatchObject(
        {
          cause: { message: expect.stringContaining('state') },
        },
      );
      const without = new URL(callback);
      without.searchParams.delete('iss');
      await expect(redeem(without)).rejects.toMatchObject({
        cause: { message: expect.stringContaining('iss') },
      });
      const other = { pkceCodeVerifier: openid.randomPKCECodeVerifier() };
      await expect(redeem(callback, other)).rejects.toMatchObject(refusedGrant);
      await expect(redeem(callback)).resolves.toMatchObject({ token_type: 'bearer' });
    });
  },
);
