// Clients that the operator configured: what is said of them holds, and their secrets are shown nowhere.
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type ConfiguredClient } from '../../lib/index.js';
import { hashSecret } from '../../lib/crypto/hash.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { ClientSigner } from '../support/client-signer.js';
import { expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  clientRedirect,
  type HeldCode,
  jsonOf,
  type ProxyFlow,
  startFlow,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const redirectUris = [clientRedirect];
const secret = 'Wm3-xLq8_Zt0vRb5nKc7yHs1jPf9dGa2';
const hashed = 'uY6tR4eW2q-P0oI8u_Y7tG5fD3sA1zXc';
let idp: UpstreamIdp;
let signer: ClientSigner;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  signer = await ClientSigner.create();
});

afterAll(() => idp.stop());

describe.each(platforms)('configured clients on %s', (platform) => {
  let flow: ProxyFlow;

  beforeAll(async () => {
    const clientSecretHash = Buffer.from(hashSecret(hashed), 'base64url').toString('hex');
    const clients: ConfiguredClient[] = [
      { clientId: 'of a secret', redirectUris, clientSecret: secret },
      { clientId: 'of a hash', redirectUris, clientSecretHash },
      {
        clientId: 'described',
        clientName: 'The described app',
        clientUri: 'https://app.test',
        applicationType: 'web',
        redirectUris,
        grantTypes: ['authorization_code'],
        scopes: ['notes:write'],
      },
    ];
    const rateLimits = { failedAuthentications: false } as const;
    flow = await startFlow({ idp, platform, proxy: { clients, rateLimits } });
  });

  afterAll(() => flow.close());

  const codeFor = (id: string): Promise<HeldCode> =>
    flow.codeFor({ id, redirectUri: clientRedirect });
  const basic = (id: string, sent: string): { authorization: string } => ({
    authorization: `Basic ${Buffer.from(`${id}:${sent}`).toString('base64')}`,
  });

  it.each([
    ['of a secret', secret, hashed],
    ['of a hash', hashed, secret],
  ])('let the client %s in with its own secret and no other', async (id, own, wrong) => {
    const held = await codeFor(id);
    const form = flow.tokenRequest(held);
    await expectStoreUntouched(flow, async () => {
      for (const sent of [wrong, hashSecret(own), `${own}=`]) {
        const answer = await flow.token(form, basic(id, sent));
        expectTokenError(answer, flow, 'invalid_client', 401);
      }
    });
    const { access_token } = tokensOf(await flow.token(form, basic(id, own)));
    expect(await flow.isAccepted(access_token)).toBe(true);
  });

  it('have the name, the grants and the scopes that they were given', async () => {
    const client = { id: 'described', redirectUri: clientRedirect };
    const request = flow.authorizationRequest(client).without('scope');
    const page = await flow.consentPage(request, new Browser());
    expect(page.html).toContain('The described app');
    const tokens = jsonOf(await flow.redeem(await flow.codeFor(client, { request })));
    expect(tokens).toMatchObject({ scope: 'notes:write mcp:use' });
    expect(tokens).not.toHaveProperty('refresh_token');
  });

  it('show their secrets nowhere: not printed, not logged, not stored — U5', () => {
    const printed = inspect(flow.app.proxy, { depth: Infinity, showHidden: true });
    for (const one of [secret, hashed, hashSecret(secret)]) {
      expect(printed).not.toContain(one);
      expect(flow.log.contains(one)).toBe(false);
      expect(flow.app.store.contains(one)).toBe(false);
    }
  });

  it.each<[string, object]>([
    ['clientSecret', { clientSecret: 'too-short-for-a-secret' }],
    ['clientSecret', { clientSecret: secret, tokenEndpointAuthMethod: 'none' }],
    ['clientSecretHash', { clientSecret: secret, clientSecretHash: hashSecret(secret) }],
    ['jwks', { tokenEndpointAuthMethod: 'private_key_jwt' }],
    ['jwksUri', { jwksUri: 'http://app.test/jwks.json' }],
    ['clientSecrets', { clientSecrets: [secret] }],
  ])('stop the boot when %s is wrong, which is named and not shown', async (option, change) => {
    const clients = [{ clientId: 'wrong', redirectUris, ...change }];
    const boot = startFlow({ idp, platform, proxy: { clients } });
    const error: unknown = await boot.then((started) => started.close()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigurationError);
    const { message, issues } = error as ConfigurationError;
    expect(issues.map(({ path }) => path)).toEqual([`server.clients[0].${option}`]);
    for (const value of ['too-short-for-a-secret', secret, hashSecret(secret)]) {
      expect(message).not.toContain(value);
    }
  });

  it('stop the boot with a private key among the public ones', async () => {
    const keys = [signer.key.publicJwk, { ...signer.key.publicJwk, kid: 'private', d: 'AAAA' }];
    const clients = [{ clientId: 'wrong', redirectUris, jwks: { keys } }];
    await expect(startFlow({ idp, platform, proxy: { clients } })).rejects.toMatchObject({
      issues: [{ path: 'server.clients[0].jwks' }],
    });
  });
});
