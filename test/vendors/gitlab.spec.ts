import { describe, expect, it } from '@jest/globals';
import { GitLabUpstream } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { startGitLab } from '../support/vendors/gitlab.js';
import type { StandardOidcVendor } from '../support/vendors/standard-oidc-vendor.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders, VendorFlow } from '../support/vendors/vendor-flow.js';

const at = 'https://gitlab.com/oauth';
const clientId = '5e1dd6b1c0f8a7e24d3b96f0a8c7e5d4b3a2918070f6e5d4c3b2a19080706050';
const credentials = `client_id=${clientId}&client_secret=gloas-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`;

upstreamContract<StandardOidcVendor>({
  name: 'GitLab',
  start: (clock) => startGitLab(clock),
  upstream: ({ client, fetch }, more) =>
    new GitLabUpstream({ clientId: client.id, clientSecret: client.secret, fetch, ...more }),
  authorizationUrl:
    `${at}/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=openid+profile+email&nonce={nonce}',
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
  revocation: {
    request: `POST ${at}/revoke`,
    headers: {
      'content-type': formHeaders['content-type'],
      'user-agent': formHeaders['user-agent'],
    },
    body: `token={token}&${credentials}`,
  },
  subject: '1574083',
  embedded: { preferred_username: 'alice', groups_direct: ['acme', 'acme/platform'] },
  needed: [
    { path: '/oauth/token', host: ({ web }) => web },
    { path: '/oauth/discovery/keys', host: ({ web }) => web, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 7200,
});

describe('a login at a GitLab of your own', () => {
  it('is at that instance, and is not one of another', async () => {
    const clock = new ManualClock();
    const baseUrl = 'https://git.example.com/gitlab';
    const vendor = await startGitLab(clock, baseUrl);
    const { client, fetch } = vendor;
    const upstream = new GitLabUpstream({
      baseUrl,
      clientId: client.id,
      clientSecret: client.secret,
      fetch,
    });
    const flow = await VendorFlow.start(vendor, upstream, { clock });
    const { vendorUrl } = await flow.login();
    expect(vendorUrl.startsWith(`${baseUrl}/oauth/authorize?`)).toBe(true);
    vendor.claims = { iss: 'https://gitlab.com' };
    expect(await flow.outcome()).toBe('server_error');
    vendor.recover();
    expect(await flow.outcome()).toBe('code');
    await flow.close();
  });
});

describe('the options of a GitLabUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new GitLabUpstream({ clientId, ...changes }));

  it.each([
    {},
    { baseUrl: 'https://git.example.com:8443/gitlab' },
    { baseUrl: 'http://127.0.0.1:80' },
  ])('may be %j', (options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    [{ baseUrl: 'git.example.com' }, 'baseUrl'],
    [{ baseUrl: 'https://git.example.com/' }, 'baseUrl'],
    [{ baseUrl: 'https://git.example.com?x=1' }, 'baseUrl'],
    [{ baseUrl: 'http://git.example.com' }, 'issuer'],
    [{ endpoints: {} }, 'endpoints'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
