import { GitHubUpstream } from '../../lib/index.js';
import { FakeGitHub } from '../support/vendors/github.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';

const apiHeaders = {
  accept: 'application/vnd.github+json',
  'content-type': 'application/json',
  'user-agent': 'nestjs-mcp-multi-auth',
  'x-github-api-version': '2022-11-28',
};
const asApp = {
  ...apiHeaders,
  authorization:
    'Basic T3YyM2xpREVNT2NsaWVudGlkMDE6NmIxZjBhN2U0YzJkOWI4YTVmM2UxYzBkN2E2YjllOGYyYzRkMWEwYg==',
};
const credentials =
  'client_id=Ov23liDEMOclientid01&client_secret=6b1f0a7e4c2d9b8a5f3e1c0d7a6b9e8f2c4d1a0b';

upstreamContract<FakeGitHub>({
  name: 'GitHub',
  start: (clock) => new FakeGitHub(clock),
  upstream: ({ client, fetch }, more) =>
    new GitHubUpstream({ clientId: client.id, clientSecret: client.secret, fetch, ...more }),
  authorizationUrl:
    'https://github.com/login/oauth/authorize?response_type=code&client_id=Ov23liDEMOclientid01' +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=read%3Auser',
  redemption: {
    request: 'POST https://github.com/login/oauth/access_token',
    headers: formHeaders,
    body: `redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [
    {
      request: 'POST https://api.github.com/applications/Ov23liDEMOclientid01/token',
      headers: asApp,
      body: '{"access_token":"{access_token}"}',
    },
    {
      request: 'GET https://api.github.com/user',
      headers: { ...apiHeaders, authorization: 'Bearer {access_token}' },
    },
  ],
  refresh: null,
  revocation: {
    request: 'DELETE https://api.github.com/applications/Ov23liDEMOclientid01/token',
    headers: asApp,
    body: '{"access_token":"{access_token}"}',
  },
  subject: '583231',
  embedded: { login: 'alice', name: 'Alice Archer' },
  needed: [
    { path: '/login/oauth/access_token', host: ({ web }) => web },
    { path: '/applications/Ov23liDEMOclientid01/token', host: ({ api }) => api },
    { path: '/user', host: ({ api }) => api },
  ],
  foreignToken: (vendor) => {
    vendor.tamper = (body) => ({
      ...body,
      access_token: vendor.issueAccessToken(
        { app: vendor.otherApp, user: 'alice', scopes: ['user'], nonce: null },
        undefined,
        'gho_',
      ),
    });
  },
});
