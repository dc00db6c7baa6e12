import { GoogleUpstream } from '../../lib/index.js';
import { FakeGoogle } from '../support/vendors/google.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';

const clientId = '407408718192-demo.apps.googleusercontent.com';
const credentials = `client_id=${clientId}&client_secret=GOCSPX-demo-client-secret-0123456789`;

upstreamContract<FakeGoogle>({
  name: 'Google',
  start: (clock) => FakeGoogle.start(clock),
  upstream: ({ client, fetch }, more) =>
    new GoogleUpstream({ clientId: client.id, clientSecret: client.secret, fetch, ...more }),
  authorizationUrl:
    'https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent' +
    `&response_type=code&client_id=${clientId}&redirect_uri={redirect_uri}&state={state}` +
    '&code_challenge={code_challenge}&code_challenge_method=S256' +
    '&scope=openid+email+profile&nonce={nonce}',
  redemption: {
    request: 'POST https://oauth2.googleapis.com/token',
    headers: formHeaders,
    body: `redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [],
  refresh: {
    request: 'POST https://oauth2.googleapis.com/token',
    headers: formHeaders,
    body: `refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
  },
  revocation: {
    request: 'POST https://oauth2.googleapis.com/revoke',
    headers: {
      'content-type': formHeaders['content-type'],
      'user-agent': formHeaders['user-agent'],
    },
    body: `token={token}&${credentials}`,
  },
  subject: '110169484474386276334',
  embedded: { email: 'alice@example.com', hd: 'example.com' },
  needed: [
    { path: '/token', host: ({ oauth }) => oauth },
    { path: '/oauth2/v3/certs', host: ({ keys }) => keys, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id, azp: vendor.otherApp.id };
  },
  accessTokenSeconds: 3599,
});
