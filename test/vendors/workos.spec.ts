import { describe, expect, it } from '@jest/globals';
import { WorkOSUpstream } from '../../lib/index.js';
import type { StandardOidcVendor } from '../support/vendors/standard-oidc-vendor.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';
import { startWorkOS } from '../support/vendors/workos.js';

const authkitDomain = 'your-app.authkit.app';
const at = `https://${authkitDomain}/oauth2`;
const clientId = 'client_01JP8BD0CZ401TDF9X54NT5ZEK';
const credentials = `client_id=${clientId}&client_secret=1eaaf7a47948398d89e2b07dce912b6a9c0282aa20e88c026fcb42fd6b06b73f`;

upstreamContract<StandardOidcVendor>({
  name: 'WorkOS',
  start: startWorkOS,
  upstream: ({ client, fetch }, more) =>
    new WorkOSUpstream({
      authkitDomain,
      clientId: client.id,
      clientSecret: client.secret,
      fetch,
      ...more,
    }),
  authorizationUrl:
    `${at}/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=openid+profile+email+offline_access&nonce={nonce}',
  redemption: {
    request: `POST ${at}/token`,
    headers: formHeaders,
    body: `redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [],
  refresh: {
    request: `POST ${at}/token`,
    headers: formHeaders,
    body: `refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
  },
  revocation: null,
  subject: 'user_01JQ0E27VT3MH79RY0FVA4QBP9',
  embedded: { email: 'alice@example.com', email_verified: true },
  needed: [
    { path: '/oauth2/token', host: ({ web }) => web },
    { path: '/oauth2/jwks', host: ({ web }) => web, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 300,
});

describe('the options of a WorkOSUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new WorkOSUpstream({ authkitDomain, clientId, ...changes }));

  it.each([{}, { authkitDomain: 'login.example.com' }])('may be %j', (options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    [{ authkitDomain: `https://${authkitDomain}` }, 'authkitDomain'],
    [{ authkitDomain: undefined }, 'authkitDomain'],
    [{ domain: authkitDomain }, 'domain'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
