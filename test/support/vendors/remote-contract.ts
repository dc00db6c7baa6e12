import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Clock, RemoteAuthProvider, RemotePresetOptions } from '../../../lib/index.js';
import { platforms } from '../app.js';
import { ManualClock } from '../manual-clock.js';
import {
  remoteResource,
  type RemoteApp,
  type RemoteAppOptions,
  resourceMetadataUrl,
  startRemoteApp,
} from '../remote-app.js';
import type { JwtVendor } from './jwt-vendor.js';
import type { VendorFailure } from './vendor-host.js';

export interface JwtPresetContract {
  /** The issuer that clients are led to, spelled as the vendor spells it. */
  readonly server: string;
  /** The URL that is asked for keys, and no other. */
  readonly jwksUrl: string;
  readonly start: (clock: Clock) => Promise<JwtVendor>;
  /** Makes the preset with what is common to all of them. */
  readonly provider: (common: RemotePresetOptions) => RemoteAuthProvider;
  /** What the preset is known by. */
  readonly name: string;
  /** What the app gets to know of the token. */
  readonly accepted: Readonly<Record<string, unknown>>;
  /** Whether its tokens have scopes at all. */
  readonly hasScopes: boolean;
  /** Claims, and header members, with which a token must be refused, and why. */
  readonly refused: readonly (readonly [
    what: string,
    claims: Readonly<Record<string, unknown>>,
    reason: string,
    header?: Readonly<Record<string, unknown>>,
  ])[];
}

const failures: readonly VendorFailure[] = [
  '500',
  'hang',
  'html',
  'garbage',
  'redirect',
  'disconnect',
];

/** What every preset whose vendor issues JWTs has to do. */
export function describeJwtPreset(contract: JwtPresetContract): void {
  const { name, hasScopes } = contract;
  const clock = new ManualClock();
  const requiredScopes = hasScopes ? ['mcp:use'] : [];
  let vendor: JwtVendor;

  beforeAll(async () => {
    vendor = await contract.start(clock);
  });

  afterEach(() => {
    vendor.host.recover();
    clock.advance(60);
  });

  const start = (
    platform: (typeof platforms)[number] = 'express',
    changes: RemotePresetOptions = {},
    module: RemoteAppOptions['module'] = {},
  ): Promise<RemoteApp> => {
    const common = { clock, fetch: vendor.host.fetch, requiredScopes, ...changes };
    return startRemoteApp(contract.provider(common), { platform, clock, module });
  };

  describe.each(platforms)('on %s', (platform) => {
    let app: RemoteApp;

    beforeAll(async () => {
      vendor.host.requests.length = 0;
      app = await start(platform);
    });

    afterAll(() => app.close());

    it('leads clients to the vendor, before anything was asked there', async () => {
      const { outcome, challenge } = await app.call();
      expect(outcome).toBe('401');
      expect(challenge).toBe(
        `Bearer ${hasScopes ? 'scope="mcp:use", ' : ''}resource_metadata="${resourceMetadataUrl}"`,
      );
      const { status, headers, body } = await app.document(new URL(resourceMetadataUrl).pathname);
      expect([status, headers.get('access-control-allow-origin')]).toEqual([200, '*']);
      expect(body).toEqual({
        resource: remoteResource,
        authorization_servers: [contract.server],
        bearer_methods_supported: ['header'],
        ...(hasScopes && { scopes_supported: ['mcp:use'] }),
      });
      expect(vendor.host.requests).toEqual([]);
      expect((await app.document('/.well-known/oauth-authorization-server')).status).toBe(404);
    });

    it('accepts its access tokens, with one request for its keys', async () => {
      expect(await app.call(await vendor.issue())).toMatchObject({
        outcome: 'accepted',
        body: { source: name, resource: expect.any(String), ...contract.accepted },
      });
      expect((await app.call(await vendor.issue())).outcome).toBe('accepted');
      expect(vendor.host.requests).toEqual([
        expect.objectContaining({ method: 'GET', url: contract.jwksUrl, body: '' }),
      ]);
      expect(vendor.host.requests[0]?.headers).toEqual({
        accept: 'application/jwk-set+json, application/json',
      });
    });
  });

  describe('refuses', () => {
    let app: RemoteApp;

    beforeAll(async () => {
      app = await start();
    });

    afterAll(() => app.close());

    const expectRefusal = async (token: string, reason: string): Promise<void> => {
      expect((await app.call(await vendor.issue())).outcome).toBe('accepted');
      expect((await app.call(token)).outcome).toBe('401 invalid_token');
      const reasons = app.told('token.rejected').at(-1)?.reasons ?? [];
      // A token that no source knows at first sight is offered to none.
      expect(reasons.map((r) => r.reason)).toEqual(reason === 'unrecognized' ? [] : [reason]);
    };

    it.each(contract.refused.map(([what, ...row]) => [what, row] as const))(
      'a token %s',
      async (_what, [claims, reason, header]) => {
        await expectRefusal(await vendor.issue(claims, header), reason);
      },
    );

    it.each<[string, (its: JwtVendor) => string | Promise<string>, string]>([
      ['of no issuer', (its) => its.issue({ iss: undefined }), 'unrecognized'],
      ['that has expired', (its) => its.issue({ exp: clock.now() - 6 }), 'expired'],
      ['that never expires', (its) => its.issue({ exp: undefined }), 'malformed'],
      ['from the future', (its) => its.issue({ iat: clock.now() + 60 }), 'not_yet_valid'],
      ['for nobody', (its) => its.issue({ aud: undefined }), 'wrong_audience'],
      ['that nobody signed', (its) => its.unsigned(), 'algorithm_not_allowed'],
      ['signed with the public key', (its) => its.confused(), 'algorithm_not_allowed'],
      ['signed by another under its key id', (its) => its.forged(), 'bad_signature'],
      ['under a key id it does not have', (its) => its.forged('other'), 'unknown_key'],
    ])('a token %s', async (_what, make, reason) => {
      // Past the time in which an unknown key is not looked for again.
      clock.advance(60);
      await expectRefusal(await make(vendor), reason);
    });

    if (!hasScopes) return;

    it('with 403 a token without the scopes, and names them', async () => {
      const changes = { scope: 'openid', scopes: undefined, scp: undefined, permissions: [] };
      const { outcome, challenge } = await app.call(await vendor.issue(changes));
      expect(outcome).toBe('403 insufficient_scope');
      expect(challenge).toContain('scope="mcp:use"');
      const none = { scope: undefined, scopes: undefined, permissions: undefined };
      expect((await app.call(await vendor.issue(none))).outcome).toBe('403 insufficient_scope');
    });
  });

  it.each(failures)('answers 503 when the keys are answered with: %s', async (failure) => {
    const patience = failure === 'hang' ? { sourceTimeoutSeconds: 0.2 } : {};
    const app = await start('express', {}, patience);
    vendor.host.fail(new URL(contract.jwksUrl).pathname, failure);
    const token = await vendor.issue();
    expect((await app.call(token)).outcome).toBe('503');
    expect(app.told('source.failed')).toHaveLength(1);
    vendor.host.recover();
    // A hanging request is ended by its own time, which is not the test's.
    if (failure !== 'hang') {
      clock.advance(6);
      expect((await app.call(token)).outcome).toBe('accepted');
    }
    await app.close();
  });

  it('serves the metadata of the vendor, when told to, as it is', async () => {
    const app = await start('express', { forwardMetadata: true });
    const { status, headers, body } = await app.document('/.well-known/oauth-authorization-server');
    const [document] = Object.values(vendor.parts.metadata);
    expect([status, body]).toEqual([200, document]);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    await app.close();
  });
}
