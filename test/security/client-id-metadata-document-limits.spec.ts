// CWE-400: what strangers can make the server fetch, and what that costs the clients of others.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { DocumentHost, documentOf, jsonResponse } from '../support/document-host.js';
import { eventually } from '../support/eventually.js';
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

  describe('from one address', () => {
    const attacker = '8.8.8.8';
    const somebody = '9.9.9.9';
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const beginFrom = (address: string, client: TestClient): Promise<Answer> =>
      flow.authorize(flow.authorizationRequest(client), from(address));
    const missing = (n: number): TestClient => stranger(`https://app.good.test/missing/${n}`);
    const expectTooMany = (answer: Answer): void => {
      expectInvariants(answer, { issuer: flow.issuer });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    };
    /** Uses up what the attacker may ask for. */
    const exhaust = async (): Promise<void> => {
      for (let n = 0; n < 60; n++) expectLocalRefusal(await beginFrom(attacker, missing(n)), flow);
    };

    beforeEach(async () => {
      await flow.close();
      const proxy = { clientIdMetadataDocuments: host.options(), rateLimits: {} };
      flow = await startFlow({ idp, platform, clock, proxy, trustProxy: 'loopback' });
    });

    it('is fetched sixty times in ten minutes, and for others as before', async () => {
      const used = host.publish(url, {}, { 'cache-control': 'no-store' });
      const tokens = await flow.tokensFor(used);
      await exhaust();
      const other = host.publish('https://app.good.test/other.json');
      const before = host.requests.length;
      expectTooMany(await beginFrom(attacker, missing(60)));
      expectTooMany(await beginFrom(attacker, other));
      const form = flow.refreshRequest('x', missing(61));
      const token = await flow.token(form, from(attacker));
      expectTooMany(token);
      expect(jsonOf(token)).toMatchObject({ error: 'temporarily_unavailable' });
      expect(host.requests).toHaveLength(before);
      expect(flow.log.matching('warn', 'client_metadata.refused')).toHaveLength(60);
      expect(flow.log.matching('warn', 'rate_limit.reached').map(({ text }) => text)).toEqual([
        `rate_limit.reached {"limit":"documentLookups","address":"${attacker}"} MultiAuth`,
      ]);
      // The host is blamed for nothing, and who uses a client goes on, also at that address.
      expectBegun(await beginFrom(somebody, other), flow);
      expectBegun(await beginFrom(attacker, other), flow);
      expectBegun(await beginFrom(attacker, used), flow);
      tokensOf(await flow.token(flow.refreshRequest(tokens.refresh_token, used), from(attacker)));
      clock.advance(600);
      expectLocalRefusal(await beginFrom(attacker, missing(62)), flow);
    });

    it('is refused to it alone, not to who asks for the same at that moment', async () => {
      await exhaust();
      const other = host.publish('https://app.good.test/other.json');
      const held = flow.app.store.hold('get', 'client-document:');
      const refused = [beginFrom(attacker, other)];
      await held.arrived(1);
      const { counts } = flow.app.store;
      const before = counts.get;
      refused.push(beginFrom(attacker, other));
      const taken = [beginFrom(somebody, other), beginFrom(somebody, other)];
      await eventually(() => counts.get >= before + 3, 'the others have come');
      held.release();
      for (const answer of await Promise.all(refused)) expectTooMany(answer);
      for (const answer of await Promise.all(taken)) expectBegun(answer, flow);
      expect(host.requestsTo(other.id)).toBe(1);
    });
  });

  it('is fetched four at a time of one origin, also where people use them', async () => {
    const used = Array.from({ length: 5 }, (_, n) =>
      host.publish(`https://app.good.test/${n}`, {}, { 'cache-control': 'max-age=60' }),
    );
    const tokens = [];
    for (const client of used) tokens.push(await flow.tokensFor(client));
    clock.advance(61);
    const gate = new Gate(() => {});
    for (const { id } of used) {
      host.answer(id, async () => {
        await gate.pass();
        return jsonResponse(documentOf(id));
      });
    }
    const pending = used.slice(0, 4).map(begin);
    await gate.arrived(4);
    const [fifth, token] = [used.at(-1), tokens.at(-1)];
    if (!fifth || !token) throw new Error('There are five');
    expectBusy(await begin(fifth));
    // Its users notice nothing.
    tokensOf(await flow.refresh(token.refresh_token, fifth));
    gate.release();
    for (const answer of await Promise.all(pending)) expectBegun(answer, flow);
  });
});
