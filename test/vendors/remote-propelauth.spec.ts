import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PropelAuthProvider, type PropelAuthProviderOptions } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  remoteOrigin,
  remoteResource,
  type RemoteApp,
  type RemoteAppOptions,
  resourceMetadataUrl,
  startRemoteApp,
} from '../support/remote-app.js';
import {
  FakePropelAuth,
  propelAuthClient,
  propelAuthServer,
  propelAuthUrl,
} from '../support/vendors/propelauth.js';

const introspectPath = '/oauth/2.1/introspect';

describe.each(platforms)('PropelAuthProvider on %s', (platform) => {
  const clock = new ManualClock();
  const vendor = new FakePropelAuth();
  let app: RemoteApp;

  const start = (
    changes: Partial<PropelAuthProviderOptions> = {},
    module: RemoteAppOptions['module'] = {},
  ): Promise<RemoteApp> => {
    const server = new PropelAuthProvider({
      authUrl: `${propelAuthUrl}/`,
      introspectionClientId: propelAuthClient.id,
      introspectionClientSecret: propelAuthClient.secret,
      requiredScopes: ['mcp:use'],
      fetch: vendor.host.fetch,
      clock,
      ...changes,
    });
    return startRemoteApp(server, { platform, clock, module });
  };

  const issue = (token: string, changes: Record<string, unknown> = {}): string => {
    vendor.tokens.set(token, {
      sub: '31c41c16-c281-44ae-9602-8a047e3bf33d',
      client_id: '2f6f0b4c9d1e4a7b8c3d5e6f7a8b9c0d',
      scope: 'mcp:use read:user_data',
      aud: remoteResource,
      org_id: '1189c444-8a2d-4c41-8b4b-ae43ce79a492',
      token_type: 'Bearer',
      exp: clock.now() + 300,
      ...changes,
    });
    return token;
  };

  beforeAll(async () => {
    app = await start();
  });

  afterEach(() => vendor.host.recover());
  afterAll(() => app.close());

  it('leads clients to PropelAuth', async () => {
    expect((await app.call()).challenge).toBe(
      `Bearer scope="mcp:use", resource_metadata="${resourceMetadataUrl}"`,
    );
    const { body } = await app.document(new URL(resourceMetadataUrl).pathname);
    expect(body).toEqual({
      resource: remoteResource,
      authorization_servers: [propelAuthServer],
      scopes_supported: ['mcp:use'],
      bearer_methods_supported: ['header'],
    });
  });

  it('asks about a token, with its own credentials and nothing else', async () => {
    vendor.host.requests.length = 0;
    expect(await app.call(issue('opaque-1'))).toMatchObject({
      outcome: 'accepted',
      body: {
        source: 'PropelAuthProvider',
        subject: '31c41c16-c281-44ae-9602-8a047e3bf33d',
        clientId: '2f6f0b4c9d1e4a7b8c3d5e6f7a8b9c0d',
        scopes: ['mcp:use', 'read:user_data'],
        resource: remoteResource,
      },
    });
    const [request, ...others] = vendor.host.requests;
    expect(others).toEqual([]);
    expect(request).toMatchObject({
      method: 'POST',
      url: `${propelAuthUrl}${introspectPath}`,
      body: 'token_type_hint=access_token&token=opaque-1',
    });
    const basic = Buffer.from(`${propelAuthClient.id}:${propelAuthClient.secret}`);
    expect(request?.headers).toMatchObject({
      accept: 'application/json',
      authorization: `Basic ${basic.toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    });
    expect(request?.headers).not.toHaveProperty('cookie');
  });

  it('accepts a token that is for several resources, this one among them', async () => {
    const aud = ['https://other.example.com/mcp', remoteResource];
    expect((await app.call(issue('opaque-2', { aud }))).body['resource']).toBe(remoteResource);
  });

  it.each([
    ['for another resource', { aud: 'https://other.example.com/mcp' }, 'wrong_audience'],
    ['for the whole origin', { aud: remoteOrigin }, 'wrong_audience'],
    ['for nothing', { aud: undefined }, 'wrong_audience'],
    ['that has expired', { exp: 1 }, 'expired'],
    ['that is no access token', { token_type: 'refresh_token' }, 'wrong_type'],
    ['of an answer that is not true', { active: 'true' }, undefined],
  ])('refuses a token %s', async (_what, changes, reason) => {
    expect((await app.call(issue('opaque-3'))).outcome).toBe('accepted');
    const { outcome } = await app.call(issue('opaque-3', changes));
    // An answer out of form is no verdict.
    expect(outcome).toBe(reason === undefined ? '503' : '401 invalid_token');
    if (reason === undefined) return;
    expect(app.told('token.rejected').at(-1)?.reasons).toEqual([
      { source: 'PropelAuthProvider', reason },
    ]);
  });

  it('refuses a revoked token at once', async () => {
    const token = issue('opaque-4');
    expect((await app.call(token)).outcome).toBe('accepted');
    vendor.tokens.delete(token);
    expect((await app.call(token)).outcome).toBe('401 invalid_token');
  });

  it('answers 403 for a token without the scopes', async () => {
    for (const scope of ['read:user_data', undefined]) {
      const { outcome } = await app.call(issue('opaque-5', { scope }));
      expect(outcome).toBe('403 insufficient_scope');
    }
  });

  it.each(['500', 'html', 'garbage', 'redirect', 'disconnect'] as const)(
    'answers 503 when PropelAuth answers: %s',
    async (failure) => {
      vendor.host.fail(introspectPath, failure);
      expect((await app.call(issue('opaque-6'))).outcome).toBe('503');
      vendor.host.recover();
      expect((await app.call('opaque-6')).outcome).toBe('accepted');
    },
  );

  it('answers 503 when PropelAuth hangs, or does not know the app', async () => {
    const token = issue('opaque-7');
    const impatient = await start({ timeoutSeconds: 0.1 });
    vendor.host.fail(introspectPath, 'hang');
    expect((await impatient.call(token)).outcome).toBe('503');
    vendor.host.recover();
    await impatient.close();
    const stranger = await start({ introspectionClientSecret: 'a-wrong-secret' });
    expect((await stranger.call(token)).outcome).toBe('503');
    expect(stranger.told('source.failed').at(-1)?.reason).toContain('401');
    expect(stranger.log.contains('a-wrong-secret')).toBe(false);
    await stranger.close();
  });

  it('remembers an answer when told to, and no longer than that', async () => {
    const caching = await start({ cacheSeconds: 60, maxCacheEntries: 1 });
    const asked = (): number => vendor.host.requestsTo(introspectPath).length;
    const before = asked();
    const token = issue('opaque-8');
    await caching.call(token);
    await caching.call(token);
    expect(asked() - before).toBe(1);
    clock.advance(60);
    await caching.call(token);
    expect(asked() - before).toBe(2);
    await caching.call(issue('opaque-9'));
    await caching.call(token);
    expect(asked() - before).toBe(4);
    await caching.close();
  });

  it('also asks about JWTs, unless another source knows them', async () => {
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const jwt = `${part({ alg: 'RS256' })}.${part({ iss: propelAuthUrl })}.c2ln`;
    expect((await app.call(issue(jwt))).outcome).toBe('accepted');
    const owner = { recognizes: () => true, verifyToken: () => null };
    const beside = await start({}, { verifiers: owner });
    const before = vendor.host.requestsTo(introspectPath).length;
    expect((await beside.call(jwt)).outcome).toBe('401 invalid_token');
    expect(vendor.host.requestsTo(introspectPath)).toHaveLength(before);
    await beside.close();
  });

  it('forwards the metadata when told to', async () => {
    const forwarding = await start({ forwardMetadata: true });
    const { status, body } = await forwarding.document('/.well-known/oauth-authorization-server');
    expect([status, body]).toEqual([200, expect.objectContaining({ issuer: propelAuthServer })]);
    await forwarding.close();
  });
});
