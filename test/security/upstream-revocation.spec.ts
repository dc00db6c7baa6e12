// RFC 7009: a grant that ends here ends at the upstream too, however the upstream feels today.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MultiAuthEvents } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { expectInvariants, expectTokenError } from '../support/outcomes.js';
import {
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;
let alone: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  alone = await UpstreamIdp.start({ refreshTokens: false, accessTokenFormat: 'opaque' });
});

afterEach(() => idp.recover());

afterAll(() => Promise.all([idp.stop(), alone.stop()]));

/** A code, and the tokens that the upstream gave out for it. */
async function codeWithUpstream(flow: ProxyFlow, client: TestClient) {
  const upstream: Partial<Tokens> = {};
  flow.idp.tamperNext('token', (body) => Object.assign(upstream, body));
  return { code: await flow.codeFor(client), upstream };
}

async function login(flow: ProxyFlow, client: TestClient) {
  const { code, upstream } = await codeWithUpstream(flow, client);
  return { tokens: tokensOf(await flow.redeem(code)), upstream };
}

describe.each(platforms)('the upstream token of a grant that is revoked, on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;
  let reasons: string[];

  beforeEach(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
    reasons = [];
    const events = flow.app.app.get(MultiAuthEvents, { strict: false });
    events.on('upstream.failed', ({ reason }) => reasons.push(reason));
  });

  afterEach(() => flow.close());

  const asked = (token: string | undefined) =>
    idp.requestsTo('revocation').filter(({ form }) => form?.['token'] === token);

  async function expectEnded({ access_token, refresh_token }: Tokens): Promise<void> {
    expect(await flow.isAccepted(access_token)).toBe(false);
    expectTokenError(await flow.refresh(refresh_token, client), flow, 'invalid_grant');
  }

  it.each(['500', '503', 'disconnect', 'redirect'] as const)(
    'is revoked when the upstream is up again, and the grant at once: %s — RI-07',
    async (failure) => {
      const { tokens, upstream } = await login(flow, client);
      idp.failNext('revocation', failure);
      const before = idp.requestsTo('revocation').length;
      const answer = await flow.revoke(tokens.refresh_token, client);
      expectInvariants(answer, { issuer: flow.issuer });
      expect(answer.status).toBe(200);
      await expectEnded(tokens);
      await eventually(() => asked(upstream.refresh_token).length > 0, 'it is revoked');
      expect(idp.requestsTo('revocation')).toHaveLength(before + 2);
      expect(reasons).toEqual([]);
    },
  );

  it('is asked for a last time when the app closes, and given up with an event — RI-07', async () => {
    const { tokens, upstream } = await login(flow, client);
    idp.failNext('revocation', '503', 10);
    const before = idp.requestsTo('revocation').length;
    expect((await flow.revoke(tokens.refresh_token, client)).status).toBe(200);
    await expectEnded(tokens);
    await eventually(() => idp.requestsTo('revocation').length > before, 'the first try');
    await flow.close();
    expect(idp.requestsTo('revocation').length).toBeGreaterThan(before + 1);
    expect(reasons).toEqual([expect.stringMatching(/^revocation given up: /)]);
    expect(flow.log.matching('warn', 'upstream.failed')).toHaveLength(1);
    expect(flow.log.contains(upstream.refresh_token ?? '?')).toBe(false);
    expect(flow.log.contains(upstream.access_token ?? '?')).toBe(false);
  });

  it('is the access token where there is no other', async () => {
    const other = await startFlow({ idp: alone, platform });
    const held = await codeWithUpstream(other, await other.register());
    expect((await other.redeem(held.code)).status).toBe(200);
    // A client has no refresh token then: what ends the grant is its code, replayed.
    expectTokenError(await other.redeem(held.code), other, 'invalid_grant');
    await eventually(
      () =>
        alone
          .requestsTo('revocation')
          .some(
            ({ form, status }) => form?.['token'] === held.upstream.access_token && status === 200,
          ),
      'it is revoked',
    );
    await other.close();
  });
});
