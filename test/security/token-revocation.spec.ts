// RFC 7009: revocation of an access token, of a refresh token, and of what is somebody else's.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('token revocation on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  const expectEmpty200 = (answer: Answer): void => {
    expectInvariants(answer, { issuer: flow.issuer });
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: '' });
  };

  it('ends an access token alone — RFC 7009 §2.1', async () => {
    const tokens = await flow.tokensFor(client);
    const upstream = idp.requestsTo('revocation').length;
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    expectEmpty200(await flow.revoke(tokens.access_token, client));
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
    expect(await flow.isAccepted(next.access_token)).toBe(true);
    expect(idp.requestsTo('revocation')).toHaveLength(upstream);
  });

  it('of a refresh token ends its family and the upstream token — RI-02', async () => {
    let upstreamRefreshToken = '';
    idp.tamperNext('token', (body) => {
      upstreamRefreshToken = String(body['refresh_token']);
      return body;
    });
    const first = await flow.tokensFor(client);
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    const other = await flow.tokensFor(client);
    const before = idp.requestsTo('revocation').length;
    expectEmpty200(await flow.revoke(second.refresh_token, client));
    for (const { access_token, refresh_token } of [first, second]) {
      expect(await flow.isAccepted(access_token)).toBe(false);
      expectTokenError(await flow.refresh(refresh_token, client), flow, 'invalid_grant');
    }
    const requests = () => idp.requestsTo('revocation').slice(before);
    await eventually(() => requests()[0]?.status === 200, 'the upstream revoked its token');
    expect(requests().map((r) => r.form?.['token'])).toEqual([upstreamRefreshToken]);
    // Another login of the same user and client is another grant.
    expect(await flow.isAccepted(other.access_token)).toBe(true);
  });

  it('of a superseded refresh token ends the family too — RI-02', async () => {
    const first = await flow.tokensFor(client);
    const second = tokensOf(await flow.refresh(first.refresh_token, client));
    expectEmpty200(await flow.revoke(first.refresh_token, client));
    expect(await flow.isAccepted(second.access_token)).toBe(false);
    expectTokenError(await flow.refresh(second.refresh_token, client), flow, 'invalid_grant');
  });

  it('works when the upstream cannot be reached for it', async () => {
    const tokens = await flow.tokensFor(client);
    const before = idp.requestsTo('revocation').length;
    idp.failNext('revocation', 'disconnect');
    expectEmpty200(await flow.revoke(tokens.refresh_token, client));
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
    const asked = () => idp.requestsTo('revocation').slice(before);
    await eventually(() => asked().at(-1)?.status === 200, 'the upstream was asked again');
    expect(asked()).toHaveLength(2);
  });

  it("does nothing to another client's tokens and says nothing about it — RI-04", async () => {
    const stranger = await flow.register();
    const tokens = await flow.tokensFor(client);
    await expectStoreUntouched(flow, async () => {
      expectEmpty200(await flow.revoke(tokens.access_token, stranger));
      expectEmpty200(await flow.revoke(tokens.refresh_token, stranger));
    });
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
    // Nor by way of a superseded one.
    expectEmpty200(await flow.revoke(tokens.refresh_token, stranger));
    expect(await flow.isAccepted(next.access_token)).toBe(true);
  });

  it('answers 200 for what is no token of this server — RI-05', async () => {
    await expectStoreUntouched(flow, async () => {
      for (const token of ['x', 'a.b.c', 'x'.repeat(4000), 'eyJhbGciOiJub25lIn0.e30.']) {
        expectEmpty200(await flow.revoke(token, client));
      }
      const tooLong = await flow.revoke('x'.repeat(9000), client);
      expectTokenError(tooLong, flow, 'invalid_request');
      const huge = await flow.revoke('x'.repeat(1_000_000), client);
      expectInvariants(huge, { issuer: flow.issuer });
      expect(huge.status).toBe(413);
    });
  });

  it.each(['access_token', 'refresh_token', 'id_token', 'x'])(
    'finds a token whatever the hint %s says of it — RI-05',
    async (token_type_hint) => {
      const tokens = await flow.tokensFor(client);
      const form = { client_id: client.id, token_type_hint };
      const revoke = (token: string) => flow.send('/revoke', { form: { ...form, token } });
      expectEmpty200(await revoke(tokens.access_token));
      expect(await flow.isAccepted(tokens.access_token)).toBe(false);
      const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
      expectEmpty200(await revoke(next.refresh_token));
      expect(await flow.isAccepted(next.access_token)).toBe(false);
      expectTokenError(await flow.refresh(next.refresh_token, client), flow, 'invalid_grant');
    },
  );

  it('needs a known client, its secret if it has one, and one token — RI-04, RI-05', async () => {
    const confidential = await flow.register({ token_endpoint_auth_method: 'client_secret_post' });
    const tokens = await flow.tokensFor(confidential);
    await expectStoreUntouched(flow, async () => {
      const { access_token: token } = tokens;
      const nobody = await flow.revoke(token, { ...client, id: 'nobody' });
      expectTokenError(nobody, flow, 'invalid_client', 401);
      const noSecret = await flow.send('/revoke', { form: { token, client_id: confidential.id } });
      expectTokenError(noSecret, flow, 'invalid_client', 401);
      const wrong = await flow.revoke(token, { ...confidential, secret: 'wrong' });
      expectTokenError(wrong, flow, 'invalid_client', 401);
      const none = await flow.send('/revoke', { form: { client_id: client.id } });
      expectTokenError(none, flow, 'invalid_request');
      const body = `client_id=${client.id}&token=a&token=b`;
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      expectTokenError(await flow.send('/revoke', { body, headers }), flow, 'invalid_request');
      const query = await flow.send(`/revoke?token=${token}&client_id=${client.id}`);
      expect(query.status).toBe(405);
    });
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    expectEmpty200(await flow.revoke(tokens.access_token, confidential));
    expect(await flow.isAccepted(tokens.access_token)).toBe(false);
  });
});
