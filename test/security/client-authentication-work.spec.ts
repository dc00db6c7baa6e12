// Security matrix CA-13: what a refusal costs says nothing of the secret, nor whether there is a
// client. No time is measured: the same work is seen to be done.
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { platforms } from '../support/app.js';
import type { Answer, ProxyFlow, TestClient } from '../support/proxy-flow.js';
import type { UpstreamIdp } from '../support/upstream-idp.js';

const compared: [string, string][] = [];
const hashed: string[] = [];
const constantTime = { ...(await import('../../lib/crypto/constant-time.js')) };
const hash = { ...(await import('../../lib/crypto/hash.js')) };

jest.unstable_mockModule('../../lib/crypto/constant-time.js', () => ({
  constantTimeEqual: (a: string, b: string): boolean => {
    compared.push([a, b]);
    return constantTime.constantTimeEqual(a, b);
  },
}));
jest.unstable_mockModule('../../lib/crypto/hash.js', () => ({
  ...hash,
  hashSecret: (secret: string): string => {
    hashed.push(secret);
    return hash.hashSecret(secret);
  },
}));

const { startFlow, clientRedirect } = await import('../support/proxy-flow.js');
const { expectTokenError } = await import('../support/outcomes.js');
const { UpstreamIdp: Idp } = await import('../support/upstream-idp.js');
const { ClientSigner } = await import('../support/client-signer.js');

const secret = 'zQ4-vT81mXw_0rKpLd7hNsE2uYfGbJc9AaWiOo5RtM6';
const sha256 = /^[\w-]{43}$/;
let idp: UpstreamIdp;
let jwks: { keys: object[] };

beforeAll(async () => {
  idp = await Idp.start();
  ({ jwks } = await ClientSigner.create());
});

afterAll(() => idp.stop());

describe.each(platforms)('the work of a refusal on %s', (platform) => {
  let flow: ProxyFlow;
  let registered: TestClient;

  beforeAll(async () => {
    const common = { redirectUris: [clientRedirect] };
    const clients = [
      { ...common, clientId: 'public' },
      {
        ...common,
        clientId: 'post',
        clientSecret: secret,
        tokenEndpointAuthMethod: 'client_secret_post',
      },
      { ...common, clientId: 'basic', clientSecret: secret },
      { ...common, clientId: 'keys', jwks },
    ] as const;
    const rateLimits = { failedAuthentications: false } as const;
    flow = await startFlow({ idp, platform, proxy: { clients, rateLimits } });
    registered = await flow.register({ token_endpoint_auth_method: 'client_secret_post' });
  });

  afterAll(() => flow.close());

  beforeEach(() => {
    compared.length = hashed.length = 0;
  });

  const form = { grant_type: 'refresh_token', refresh_token: 'x' };
  const post = (client_id: string, client_secret: string): Promise<Answer> =>
    flow.send('/token', { form: { ...form, client_id, client_secret } });
  const basic = (id: string, sent: string): Promise<Answer> => {
    const authorization = `Basic ${Buffer.from(`${id}:${sent}`).toString('base64')}`;
    return flow.send('/token', { form, headers: { authorization } });
  };

  /** The comparisons of the secret; those of records that the store is asked for are none. */
  const comparisons = (sent: string): [string, string][] =>
    compared.filter(([a]) => a === hash.hashSecret(sent));

  it.each([
    ['unknown', post, 'nobody'],
    ['unknown, in the header', basic, 'nobody'],
    ['public', post, 'public'],
    ['one that has keys', post, 'keys'],
    ['one of another method', basic, 'post'],
    ['known', post, 'post'],
    ['known, in the header', basic, 'basic'],
  ])('is one hash and one comparison for a client that is %s — CA-13', async (_name, send, id) => {
    const answer = await send(id, 'a-wrong-secret');
    expectTokenError(answer, flow, 'invalid_client', 401);
    expect(hashed.filter((text) => text === 'a-wrong-secret')).toHaveLength(1);
    const found = comparisons('a-wrong-secret');
    expect(found).toEqual([[hash.hashSecret('a-wrong-secret'), expect.stringMatching(sha256)]]);
  });

  it('is the work of a success too — CA-13', async () => {
    const { id, secret: own = '' } = registered;
    const answer = await post(id, own);
    expectTokenError(answer, flow, 'invalid_grant');
    expect(hashed.filter((text) => text === own)).toHaveLength(1);
    expect(comparisons(own)).toEqual([[hash.hashSecret(own), hash.hashSecret(own)]]);
  });

  it('compares nothing that begins as the secret does — CA-13', async () => {
    for (let k = 0; k < secret.length; k++) {
      const guess = `${secret.slice(0, k)}${'!'.repeat(secret.length - k)}`;
      expectTokenError(await post('post', guess), flow, 'invalid_client', 401);
      const found = comparisons(guess);
      expect(found).toHaveLength(1);
      for (const [sent, kept] of found) expect(sent.slice(0, 5)).not.toBe(kept.slice(0, 5));
    }
    expect(compared.flat().some((text) => text.includes(secret.slice(0, 8)))).toBe(false);
    expectTokenError(await post('post', secret), flow, 'invalid_grant');
  });

  it('takes nobody’s secret for the secret of a client that has none — CA-13', async () => {
    expectTokenError(await post('keys', 'nobody'), flow, 'invalid_client', 401);
    const [, nobodys] = comparisons('nobody')[0] ?? [];
    expectTokenError(await post('nobody', 'x'), flow, 'invalid_client', 401);
    expect(comparisons('x')[0]?.[1]).toBe(nobodys);
    // It is the hash of what nobody knows, and of nothing that was hashed since.
    expect(hashed.map((text) => hash.hashSecret(text))).not.toContain(nobodys);
  });
});
