import { EntraUpstream } from '../../lib/index.js';
import { contoso, FakeEntra } from '../support/vendors/entra.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';

const at = `https://login.microsoftonline.com/${contoso}`;
const clientId = 'c0ffee00-1111-4222-8333-444455556666';
const credentials = `client_id=${clientId}&client_secret=dGhlLXNlY3JldC1vZi10aGUtYXBwLWluLWVudHJh`;
const scope = 'scope=openid+profile+email+offline_access';

upstreamContract<FakeEntra>({
  name: 'Entra',
  start: (clock) => FakeEntra.start(clock),
  upstream: ({ client, fetch }, more) =>
    new EntraUpstream({
      tenant: contoso,
      clientId: client.id,
      clientSecret: client.secret,
      fetch,
      ...more,
    }),
  authorizationUrl:
    `${at}/oauth2/v2.0/authorize?prompt=select_account&response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    `&code_challenge_method=S256&${scope}&nonce={nonce}`,
  redemption: {
    request: `POST ${at}/oauth2/v2.0/token`,
    headers: formHeaders,
    body: `${scope}&redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [],
  refresh: {
    request: `POST ${at}/oauth2/v2.0/token`,
    headers: formHeaders,
    body: `${scope}&refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
  },
  revocation: null,
  subject: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  embedded: { oid: '00000000-0000-4000-8000-00000000a11c', tid: contoso },
  needed: [
    { path: `/${contoso}/oauth2/v2.0/token`, host: ({ web }) => web },
    { path: `/${contoso}/discovery/v2.0/keys`, host: ({ web }) => web, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 3600,
});
