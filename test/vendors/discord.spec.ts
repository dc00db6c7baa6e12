import { DiscordUpstream } from '../../lib/index.js';
import { FakeDiscord } from '../support/vendors/discord.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';

const credentials = 'client_id=157730590492196864&client_secret=937it3ow87i4ery69876wqire-demo';
const apiHeaders = {
  accept: 'application/json',
  authorization: 'Bearer {access_token}',
  'user-agent': 'nestjs-mcp-multi-auth',
};

upstreamContract<FakeDiscord>({
  name: 'Discord',
  start: (clock) => new FakeDiscord(clock),
  upstream: ({ client, fetch }, more) =>
    new DiscordUpstream({ clientId: client.id, clientSecret: client.secret, fetch, ...more }),
  authorizationUrl:
    'https://discord.com/oauth2/authorize?response_type=code&client_id=157730590492196864' +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=identify',
  redemption: {
    request: 'POST https://discord.com/api/oauth2/token',
    headers: formHeaders,
    body: `redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code&${credentials}`,
  },
  identification: [
    { request: 'GET https://discord.com/api/v10/oauth2/@me', headers: apiHeaders },
    { request: 'GET https://discord.com/api/v10/users/@me', headers: apiHeaders },
  ],
  refresh: {
    request: 'POST https://discord.com/api/oauth2/token',
    headers: formHeaders,
    body: `refresh_token={refresh_token}&grant_type=refresh_token&${credentials}`,
  },
  revocation: {
    request: 'POST https://discord.com/api/oauth2/token/revoke',
    headers: {
      'content-type': formHeaders['content-type'],
      'user-agent': formHeaders['user-agent'],
    },
    body: `token={token}&${credentials}`,
  },
  subject: '80351110224678912',
  embedded: { username: 'alice', global_name: 'Alice Archer' },
  needed: [
    { path: '/api/oauth2/token', host: ({ host }) => host },
    { path: '/api/v10/oauth2/@me', host: ({ host }) => host },
    { path: '/api/v10/users/@me', host: ({ host }) => host },
  ],
  foreignToken: (vendor) => {
    const other = { app: vendor.otherApp, user: 'alice', scopes: ['identify'], nonce: null };
    vendor.tamper = (body) => ({ ...body, access_token: vendor.issueAccessToken(other, 600) });
  },
  accessTokenSeconds: 604_800,
});
