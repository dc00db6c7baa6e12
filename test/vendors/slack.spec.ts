import { afterEach, describe, expect, it } from '@jest/globals';
import { SlackUpstream, type SlackUpstreamOptions } from '../../lib/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeSlack } from '../support/vendors/slack.js';
import { upstreamContract } from '../support/vendors/upstream-contract.js';
import { issuesOf } from '../support/vendors/upstream-issues.js';
import { formHeaders, VendorFlow } from '../support/vendors/vendor-flow.js';

const clientId = '25259531569.11152291';
const credentials = `client_id=${clientId}&client_secret=e1b9e11dfcd19c1982d5de12921e17e8`;

const upstream = (
  { client, fetch }: FakeSlack,
  more: Partial<SlackUpstreamOptions> = {},
): SlackUpstream =>
  new SlackUpstream({ clientId: client.id, clientSecret: client.secret, fetch, ...more });

upstreamContract<FakeSlack>({
  name: 'Slack',
  start: (clock) => FakeSlack.start(clock),
  upstream,
  authorizationUrl:
    `https://slack.com/openid/connect/authorize?response_type=code&client_id=${clientId}` +
    '&redirect_uri={redirect_uri}&state={state}&scope=openid+profile+email&nonce={nonce}',
  redemption: {
    request: 'POST https://slack.com/api/openid.connect.token',
    headers: formHeaders,
    body: `redirect_uri={redirect_uri}&code={code}&grant_type=authorization_code&${credentials}`,
  },
  identification: [],
  refresh: null,
  revocation: {
    request: 'POST https://slack.com/api/auth.revoke',
    headers: {
      accept: 'application/json',
      authorization: 'Bearer {access_token}',
      'user-agent': 'nestjs-mcp-multi-auth',
    },
  },
  subject: 'U0R7MFMJM',
  embedded: { email: 'alice@example.com', 'https://slack.com/team_id': 'T0123ABCD' },
  needed: [
    { path: '/api/openid.connect.token', host: ({ host }) => host },
    { path: '/openid/connect/keys', host: ({ host }) => host, once: true },
  ],
  foreignToken: (vendor) => {
    vendor.claims = { aud: vendor.otherApp.id };
  },
});

describe('a login at Slack', () => {
  let flow: VendorFlow<FakeSlack>;

  const start = async (
    more: Partial<SlackUpstreamOptions>,
    upstreamRecheckSeconds?: number,
  ): Promise<void> => {
    const clock = new ManualClock();
    const vendor = await FakeSlack.start(clock);
    flow = await VendorFlow.start(vendor, upstream(vendor, more), {
      clock,
      proxy: { upstreamRecheckSeconds },
    });
  };

  afterEach(() => flow.close());

  it('is for members of the workspace alone, whatever the page was told', async () => {
    await start({ team: 'T0123ABCD' });
    const { vendorUrl } = await flow.login();
    expect(new URL(vendorUrl).searchParams.get('team')).toBe('T0123ABCD');
    expect(await flow.outcome()).toBe('code');
    expect(await flow.outcome({ user: 'bob' })).toBe('access_denied');
    flow.vendor.claims = { 'https://slack.com/team_id': undefined };
    expect(await flow.outcome()).toBe('access_denied');
  });

  it('is of this login, which the nonce alone tells', async () => {
    await start({});
    for (const nonce of ['', undefined, 'of-another-login']) {
      flow.vendor.claims = { nonce };
      expect(await flow.outcome()).toBe('server_error');
    }
    flow.vendor.recover();
    expect(await flow.outcome()).toBe('code');
  });

  it.each([
    ['that the call failed', { ok: false, error: 'ratelimited' }, 200, 'no verdict'],
    ['something else', 'ok', 200, 'no verdict'],
    ['that the account is no more', { ok: false, error: 'account_inactive' }, 401, 'refuses'],
    ['that it is somebody else', { ok: true, sub: 'U0R7MFMJN' }, 401, 'another user'],
    ['that all is well', { ok: true, sub: 'U0R7MFMJM' }, 200, undefined],
  ])('is asked for, and Slack says %s', async (_name, body, status, reason) => {
    await start({}, 60);
    const { access_token: token } = await flow.tokens();
    flow.clock.advance(61);
    flow.vendor.host.serve({ 'POST /api/openid.connect.userInfo': () => Response.json(body) });
    // A vendor that cannot be asked ends no login.
    expect((await flow.proxy.callMcp(token)).status).toBe(status);
    const failure = flow.log.lines.find(({ text }) => text.includes('upstream.failed'))?.text;
    expect(failure).toEqual(reason === undefined ? undefined : expect.stringContaining(reason));
  });
});

describe('a revocation at Slack', () => {
  it('is done when there is nothing to revoke, and not when the call failed', async () => {
    const vendor = await FakeSlack.start(new ManualClock());
    await expect(upstream(vendor).revoke({ accessToken: 'gone' })).resolves.toBeUndefined();
    const answer = { ok: false, error: 'ratelimited' };
    vendor.host.serve({ 'POST /api/auth.revoke': () => Response.json(answer) });
    await expect(upstream(vendor).revoke({ accessToken: 'gone' })).rejects.toMatchObject({
      kind: 'transient',
    });
  });
});

describe('the options of a SlackUpstream', () => {
  const pathsOf = (changes: object): readonly string[] =>
    issuesOf(new SlackUpstream({ clientId, ...changes }));

  it.each([{}, { team: 'T0123ABCD' }, { forwardPkce: true }])('may be %j', (options) => {
    expect(pathsOf(options)).toEqual([]);
  });

  it.each([
    [{ team: 'acme' }, 'team'],
    [{ team: ['T0123ABCD'] }, 'team'],
    [{ clientId: '' }, 'clientId'],
    [{ issuer: 'https://slack.com' }, 'issuer'],
  ])('must not be %j', (options, name) => {
    expect(pathsOf(options)).toContain(`upstream.${name}`);
  });
});
