import { HuggingFaceUpstream } from '../../lib/index.js';
import { FakeHuggingFace } from '../support/vendors/hugging-face.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';

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
