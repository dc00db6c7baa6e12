// CWE-400: what strangers can make the server fetch, and what that costs the clients of others.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { DocumentHost } from '../support/document-host.js';
import { Gate } from '../support/gate.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectBegun, expectInvariants, expectLocalRefusal } from '../support/outcomes.js';
import {
  type Answer,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const url = 'https://app.good.test/client.json';
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a document while strangers make the server fetch, on %s', (platform) => {
  let clock: ManualClock;
  let host: DocumentHost;
  let flow: ProxyFlow;

  beforeEach(async () => {
    clock = new ManualClock();
    host = new DocumentHost();
    const clientIdMetadataDocuments = host.options();
    flow = await startFlow({ idp, platform, clock, proxy: { clientIdMetadataDocuments } });
  });

  afterEach(() => flow.close());

  const begin = (client: TestClient): Promise<Answer> =>
    flow.authorize(flow.authorizationRequest(client));
  const expectBegins = async (client: TestClient): Promise<void> => {
    expectBegun(await begin(client), flow);
  };
  const stranger = (id: string): TestClient => ({ id, redirectUri: 'https://app.test/cb' });
  const expectBusy = (answer: Answer): void => {
    expectInvariants(answer, { issuer: flow.issuer });
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.headers['location']).toBeUndefined();
  };

  it('is fetched beside four of its origin and twenty in all, if anybody uses it', async () => {
    const used = host.publish(url, {}, { 'cache-control': 'max-age=60' });
    const tokens = await flow.tokensFor(used);
    clock.advance(61);
    const gate = new Gate(() => {});
    const held = async (): Promise<Response> => {
      await gate.pass();
      return new Response('', { status: 404 });
    };
    const pending: Promise<Answer>[] = [];
    const ask = (origin: number, n: number): Promise<Answer> => {
      const id = `https://o${origin}.evil.test/${n}`;
      host.answer(id, held);
      return begin(stranger(id));
    };
    for (let n = 0; n < 4; n++) pending.push(ask(0, n));
    await gate.arrived(4);
    expectBusy(await ask(0, 4));
    for (let n = 0; n < 16; n++) pending.push(ask(1 + (n >> 2), n));
    await gate.arrived(20);
    expectBusy(await ask(9, 0));
    const token = await flow.send('/token', {
      form: { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'https://o9.test/c' },
    });
    expectBusy(token);
    expect(jsonOf(token)).toMatchObject({ error: 'temporarily_unavailable' });
    await expectBegins(used);
    tokensOf(await flow.refresh(tokens.refresh_token, used));
    gate.release();
    for (const answer of await Promise.all(pending)) expectLocalRefusal(answer, flow);
    const good = host.publish('https://o9.evil.test/0');
    await expectBegins(good);
  });

  it('is fetched after a storm on its origin, if anybody uses it', async () => {
    const used = host.publish(url, {}, { 'cache-control': 'no-store' });
    await flow.tokensFor(used);
    const other = host.publish('https://app.good.test/other.json');
    for (let n = 0; n < 30; n++) {
      expectLocalRefusal(await begin(stranger(`https://app.good.test/${n}`)), flow);
    }
    const before = host.requests.length;
    expectBusy(await begin(stranger('https://app.good.test/30')));
    expectBusy(await begin(other));
    expect(host.requests).toHaveLength(before);
    await expectBegins(used);
    await expectBegins(host.publish('https://else.good.test/client.json'));
    clock.advance(61);
    await expectBegins(other);
  });
});
