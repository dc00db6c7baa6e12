import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HuggingFaceUpstream } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeHuggingFace } from '../support/vendors/hugging-face.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { formHeaders, shapeOf, VendorFlow } from '../support/vendors/vendor-flow.js';

const credentials =
  'client_id=67c5a1f0-demo-4b2e-9d7f-000000000001&client_secret=hf-app-secret-0123456789ab';

upstreamContract<FakeHuggingFace>({
  name: 'Hugging Face',
  start: (clock) => FakeHuggingFace.start(clock),
  upstream: ({ client, fetch }, more) =>
    new HuggingFaceUpstream({ clientId: client.id, clientSecret: client.secret, fetch, ...more }),
  authorizationUrl:
    'https://huggingface.co/oauth/authorize?response_type=code' +
    '&client_id=67c5a1f0-demo-4b2e-9d7f-000000000001&redirect_uri={redirect_uri}&state={state}' +
    '&code_challenge={code_challenge}&code_challenge_method=S256&scope=openid+profile&nonce={nonce}',
  redemption: {
    request: 'POST https://huggingface.co/oauth/token',
    headers: formHeaders,
    body: `redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [],
  refresh: {
    request: 'POST https://huggingface.co/oauth/token',
    headers: formHeaders,
    body: `refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
  },
  revocation: null,
  subject: '62f264b9f3c90f4b6514a269',
  embedded: { preferred_username: 'alice' },
  needed: [
    { path: '/oauth/token', host: ({ host }) => host },
    { path: '/oauth/jwks', host: ({ host }) => host, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 28_800,
});

describe('a public app of Hugging Face', () => {
  let flow: VendorFlow<FakeHuggingFace>;

  beforeAll(async () => {
    const clock = new ManualClock();
    const vendor = await FakeHuggingFace.start(clock, 'public');
    const { client, fetch } = vendor;
    const upstream = new HuggingFaceUpstream({
      clientId: client.id,
      fetch,
      // Who is in an organization is for the vendor to say.
      allowUser: ({ orgs }) => Array.isArray(orgs) && orgs.some(({ name }) => name === 'acme'),
      extraAuthorizeParams: { orgIds: '5e67bd5b1009063689407478' },
    });
    flow = await VendorFlow.start(vendor, upstream, { clock });
  });

  afterAll(() => flow.close());

  it('logs in without a secret, by PKCE alone', async () => {
    const { vendorUrl } = await flow.login();
    expect(new URL(vendorUrl).searchParams.get('orgIds')).toBe('5e67bd5b1009063689407478');
    expect(shapeOf(flow.vendor.host.requestsTo('/oauth/token').at(-1)?.body ?? '')).toBe(
      'redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}' +
        '&grant_type=authorization_code&client_id=67c5a1f0-demo-4b2e-9d7f-000000000001',
    );
    expect(await flow.outcome()).toBe('code');
  });

  it('keeps out who is not of the organization', async () => {
    expect(await flow.outcome({ user: 'bob' })).toBe('access_denied');
  });

  it('has no options that it does not have', () => {
    const options = { clientId: 'app', issuer: 'https://evil.test', orgIds: 'x' };
    expect(issuesOf(new HuggingFaceUpstream(options))).toEqual([
      'upstream.issuer',
      'upstream.orgIds',
    ]);
  });
});
