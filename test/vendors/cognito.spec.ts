import { describe, expect, it } from '@jest/globals';
import { CognitoUpstream } from '../../lib/index.js';
import { startCognito, userPoolId } from '../support/vendors/cognito.js';
import type { StandardOidcVendor } from '../support/vendors/standard-oidc-vendor.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders } from '../support/vendors/vendor-flow.js';

const at = 'https://demo.auth.eu-central-1.amazoncognito.com';
const clientId = '1example23456789';
const authorization = `Basic ${Buffer.from(
  `${clientId}:9cognitoappclientsecret0123456789abcdefghijklmno`,
).toString('base64')}`;

upstreamContract<StandardOidcVendor>({
  name: 'Cognito',
  start: startCognito,
  upstream: ({ client, fetch }, more) =>
    new CognitoUpstream({
      userPoolId,
      clientId: client.id,
      clientSecret: client.secret,
      fetch,
      ...more,
    }),
  authorizationUrl:
    `${at}/oauth2/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&code_challenge={code_challenge}' +
    '&code_challenge_method=S256&scope=openid&nonce={nonce}',
  redemption: {
    request: `POST ${at}/oauth2/token`,
    headers: { ...formHeaders, authorization },
    body: 'redirect_uri={redirect_uri}&code={code}&code_verifier={code_verifier}&grant_type=authorization_code',
  },
  identification: [],
  refresh: {
    request: `POST ${at}/oauth2/token`,
    headers: { ...formHeaders, authorization },
    body: 'refresh_token={refresh_token}&grant_type=refresh_token',
  },
  revocation: {
    request: `POST ${at}/oauth2/revoke`,
    headers: {
      authorization,
      'content-type': formHeaders['content-type'],
      'user-agent': formHeaders['user-agent'],
    },
    body: 'token={token}',
  },
  subject: '9315f274-d0a1-70d7-3ba5-d1cb6e7ab312',
  embedded: { 'cognito:username': 'alice', 'cognito:groups': ['writers'] },
  needed: [
    { path: '/oauth2/token', host: ({ web }) => web },
    { path: `/${userPoolId}/.well-known/jwks.json`, host: ({ keys }) => keys, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
  accessTokenSeconds: 3600,
});

describe('the options of a CognitoUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new CognitoUpstream({ userPoolId, clientId, ...changes }));

  it.each([{}, { userPoolId: 'us-gov-west-1_aB3' }, { scopes: ['openid', 'email'] }])(
    'may be %j',
    (options) => {
      expect(pathsOf(options)).toEqual([]);
    },
  );

  it.each([
    [{ userPoolId: 'AbCdEf123' }, 'userPoolId'],
    [{ userPoolId: 'eu-central-1' }, 'userPoolId'],
    [{ userPoolId: 'eu-central-1.evil.example/x_AbCdEf123' }, 'userPoolId'],
    [{ userPoolId: undefined }, 'userPoolId'],
    [{ userPoolId: 7 }, 'userPoolId'],
    [{ region: 'eu-central-1' }, 'region'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
