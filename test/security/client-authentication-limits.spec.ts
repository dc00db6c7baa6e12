// Security matrix CA-14: guessing secrets ends soon, for the one who guesses.
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MultiAuthEvents } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { ClientSigner } from '../support/client-signer.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  clientRedirect,
  jsonOf,
  type ProxyFlow,
  startFlow,
} from '../support/proxy-flow.js';
import { Params } from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const secret = 'b7Rz-0kQmXw2vTnLs9yHcPd4eGfUaJi6';
// An address of loopback may be that of a proxy, and gets 50 times what one of the Internet gets.
const allowed = 50;
const windowSeconds = 300;
const [attacker, elsewhere] = ['127.0.0.1', '127.0.0.2'] as const;
let idp: UpstreamIdp;
let signer: ClientSigner;
let published: FakeIssuer;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  signer = await ClientSigner.create();
  published = await new FakeIssuer({ algorithm: 'ES256' }).start();
});

afterAll(async () => {
  await published.stop();
  await idp.stop();
});

describe.each(platforms)('guessing secrets on %s', (platform) => {
  const clock = new ManualClock();
  const reached: unknown[] = [];
  let flow: ProxyFlow;

  beforeAll(async () => {
    const common = { redirectUris: [clientRedirect], clientSecret: secret };
    flow = await startFlow({
      idp,
      platform,
      clock,
      proxy: {
        rateLimits: { failedAuthentications: { max: 1, windowSeconds } },
        clients: [
          { ...common, clientId: 'post', tokenEndpointAuthMethod: 'client_secret_post' },
          { ...common, clientId: 'basic' },
          { clientId: 'signs', redirectUris: [clientRedirect], jwks: signer.jwks },
          { clientId: 'publishes', redirectUris: [clientRedirect], jwksUri: published.jwksUri },
        ],
      },
    });
    signer.now = () => clock.now();
    const events = flow.app.app.get(MultiAuthEvents, { strict: false });
    events.on('rate_limit.reached', (event) => reached.push(event));
  });

  afterAll(() => flow.close());

  afterEach(() => {
    clock.advance(windowSeconds);
    reached.length = 0;
  });

  const refresh = { grant_type: 'refresh_token', refresh_token: 'x' };

  /** Sends the form from an address of its own. */
  function send(from: string, form: Record<string, string>, authorization?: string) {
    const url = `${flow.issuer}/token`;
    return new Promise<Answer>((resolve, reject) => {
      const type = { 'content-type': 'application/x-www-form-urlencoded' };
      const headers = { ...type, ...(authorization !== undefined && { authorization }) };
      const sent = request(url, { method: 'POST', localAddress: from, headers, agent: false });
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const { statusCode: status = 0, headers: received } = response;
          resolve({ url, method: 'POST', status, headers: received, text });
        });
      });
      sent.end(new Params({ ...refresh, ...form }).toString());
    });
  }

  const post = (from: string, client_secret: string, client_id = 'post'): Promise<Answer> =>
    send(from, { client_id, client_secret });
  const basic = (from: string, id: string, sent: string): Promise<Answer> =>
    send(from, {}, `Basic ${Buffer.from(`${id}:${sent}`).toString('base64')}`);
  /** The client was let in: what it asked for is wrong, not the client. */
  const letIn = (answer: Answer): void => expectTokenError(answer, flow, 'invalid_grant');
  const refused = (answer: Answer): void => expectTokenError(answer, flow, 'invalid_client', 401);
  const heldUp = (answer: Answer): void => {
    expectInvariants(answer, { issuer: flow.issuer });
    expect(answer.status).toBe(429);
    expect(jsonOf(answer)).toMatchObject({ error: 'temporarily_unavailable' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(windowSeconds);
  };

  it('ends after a few, even with the right one, and begins anew later — CA-14', async () => {
    for (let i = 0; i < allowed; i++) refused(await post(attacker, `guess-${i}`));
    for (let i = 0; i < 5; i++) heldUp(await post(attacker, `more-${i}`));
    heldUp(await post(attacker, secret));
    expect(reached).toEqual([
      { limit: 'failedAuthentications', address: attacker, clientId: 'post' },
    ]);
    clock.advance(windowSeconds);
    letIn(await post(attacker, secret));
    refused(await post(attacker, 'guess'));
  });

  it('holds up neither the client elsewhere nor another client there — CA-14', async () => {
    for (let i = 0; i < allowed; i++) refused(await post(attacker, `guess-${i}`));
    heldUp(await post(attacker, 'guess'));
    letIn(await post(elsewhere, secret));
    refused(await post(elsewhere, 'guess'));
    letIn(await basic(attacker, 'basic', secret));
  });

  it('is not what a client does that is right — CA-14', async () => {
    for (let i = 0; i < allowed + 5; i++) letIn(await post(attacker, secret));
  });

  it('is counted for the client, however its id is spelt — CA-14', async () => {
    const spellings = ['basic', 'b%61sic', '%62asic', 'ba%73ic', 'basi%63'];
    for (let i = 0; i < allowed; i++) {
      refused(await basic(attacker, spellings[i % spellings.length] ?? '', `guess-${i}`));
    }
    for (const id of spellings) heldUp(await basic(attacker, id, 'guess'));
    heldUp(await basic(attacker, 'basic', secret));
    letIn(await basic(elsewhere, 'basic', secret));
  });

  it('leaves nothing behind for clients that a stranger invents — CA-14', async () => {
    await expectStoreUntouched(flow, async () => {
      for (let i = 0; i < allowed + 5; i++) {
        refused(await post(attacker, 'guess', `invented-${i}`));
        refused(await basic(attacker, `invented-${i}`, 'guess'));
        refused(await send(attacker, signer.proof(`invented-${i}`, flow.issuer)));
      }
    });
    refused(await post(attacker, 'guess'));
  });

  it('is not what a client does whose keys cannot be had: that is no verdict — CA-14', async () => {
    const [key] = published.keys;
    if (!key) throw new Error('There is no key');
    const own = new ClientSigner(key);
    own.now = () => clock.now();
    const proof = () => own.proof('publishes', flow.issuer);
    published.mode = '500';
    await expectStoreUntouched(flow, async () => {
      for (let i = 0; i < allowed + 5; i++) {
        const answer = await send(attacker, proof());
        expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
        expect(answer.status).toBe(503);
        expect(answer.headers['retry-after']).toBe('5');
        expect(jsonOf(answer)).toMatchObject({ error: 'temporarily_unavailable' });
      }
    });
    published.mode = 'ok';
    clock.advance(5);
    letIn(await send(attacker, proof()));
    // What the keys do not verify is a verdict, and counts.
    const { client_assertion, ...type } = proof();
    const forged = { ...type, client_assertion: `${client_assertion.slice(0, -8)}AAAAAAAA` };
    for (let i = 0; i < allowed; i++) refused(await send(attacker, forged));
    heldUp(await send(attacker, proof()));
  });

  it('is counted for assertions too, and spares the one who is right — CA-14', async () => {
    const proof = (): Record<string, string> => signer.proof('signs', flow.issuer);
    for (let i = 0; i < allowed; i++) {
      const { client_assertion = '', ...type } = proof();
      const forged = `${client_assertion.slice(0, -8)}AAAAAAAA`;
      // With and without the client_id it is the same client.
      const named = i % 2 ? { client_id: 'signs' } : {};
      refused(await send(attacker, { ...type, ...named, client_assertion: forged }));
    }
    const held = proof();
    heldUp(await send(attacker, held));
    letIn(await send(elsewhere, held));
    clock.advance(windowSeconds);
    letIn(await send(attacker, proof()));
  });
});
