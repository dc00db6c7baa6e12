// RFC 7239 §8.1, RFC 6177: which address a request counts for, and which headers cannot change it.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { RateLimits } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants } from '../support/outcomes.js';
import { type Answer, clientRedirect, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const max = 3;
const warning = 'client_address.hidden';
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the address of a client on %s', (platform) => {
  let flow: ProxyFlow;

  afterEach(() => flow.close());

  const start = async (trustProxy?: string, more: RateLimits = {}): Promise<void> => {
    const rateLimits = { registrations: { max, windowSeconds: 600 }, ...more };
    const options = { idp, platform, clock: new ManualClock(), proxy: { rateLimits } };
    flow = await startFlow({ ...options, ...(trustProxy !== undefined && { trustProxy }) });
  };

  const register = (headers: Record<string, string>): Promise<Answer> =>
    flow.send('/register', { json: { redirect_uris: [clientRedirect] }, headers });

  /** How many of the registrations, one a list of headers, were let through. */
  const passed = async (requests: readonly Record<string, string>[]): Promise<number> => {
    const answers: Answer[] = [];
    for (const headers of requests) answers.push(await register(headers));
    for (const answer of answers) expectInvariants(answer, { issuer: flow.issuer });
    expect(answers.every(({ status }) => status === 201 || status === 429)).toBe(true);
    return answers.filter(({ status }) => status === 201).length;
  };

  const forwarded = (addresses: readonly string[]): Record<string, string>[] =>
    addresses.map((address) => ({ 'x-forwarded-for': address }));

  const repeated = (address: string, count = max + 3): Record<string, string>[] =>
    forwarded(Array<string>(count).fill(address));

  it('is what a trusted proxy says, in every spelling of it — DS-04', async () => {
    await start('loopback');
    const spellings = ['8.8.8.8', '::ffff:8.8.8.8', '::ffff:808:808', '::FFFF:0808:0808'];
    expect(await passed(forwarded([...spellings, ...spellings]))).toBe(max);
    expect(await passed(repeated('8.8.8.9'))).toBe(max);
  });

  it('is a whole /64, whichever of its addresses are used — DS-04, DCR-17', async () => {
    await start('loopback');
    const rotating = Array.from({ length: 50 }, (_, i) => `2600:1:2:3:${i.toString(16)}::${i + 1}`);
    expect(await passed(forwarded(rotating))).toBe(max);
    expect(await passed(repeated('2600:1:2:4::1'))).toBe(max);
    expect(await passed(repeated('2600:1:2:3::ffff'))).toBe(0);
  });

  it('is the last that a trusted proxy added, not what the client wrote before — DS-04', async () => {
    await start('loopback');
    const forged = Array.from({ length: 20 }, (_, i) => `1.2.3.${i}, 8.8.8.8`);
    expect(await passed(forwarded(forged))).toBe(max);
    expect(await passed(repeated('9.9.9.9'))).toBe(max);
  });

  it('is the peer where no proxy is trusted, whatever headers say — DS-04, DCR-17, NE-09', async () => {
    await start();
    // A peer that is not of the public Internet may be a proxy, and all its clients.
    const headers = Array.from({ length: max * 50 + 20 }, (_, i) => ({
      'x-forwarded-for': `8.8.${i % 200}.${Math.floor(i / 200) + 1}`,
      forwarded: `for=9.9.9.${i % 200}`,
      'x-real-ip': `7.7.7.${i % 200}`,
      'x-client-ip': `7.7.8.${i % 200}`,
      'cf-connecting-ip': `7.7.9.${i % 200}`,
    }));
    expect(await passed(headers)).toBe(max * 50);
    expect(await passed([{}, { 'x-forwarded-for': '127.0.0.1' }])).toBe(0);
  });

  it('is told to the operator once when a proxy hides it, and else not — DS-04', async () => {
    await start();
    await passed([{}]);
    expect(flow.log.matching('warn', warning)).toEqual([]);
    await passed(forwarded(['8.8.8.8', '8.8.8.9', '8.8.8.10']));
    const [line, ...more] = flow.log.matching('warn', warning);
    expect(line?.text).toMatch(/"address":"127\.0\.0\.1".*trust proxy.*trustProxy/);
    expect(more).toEqual([]);
    await flow.close();
    await start('loopback');
    await passed(forwarded(['8.8.8.8', '8.8.8.9']));
    expect(flow.log.matching('warn', warning)).toEqual([]);
  });

  it('may be unknown: then it is everybody’s, and locks few out — DS-04', async () => {
    await start('loopback');
    const nonsense = ['unknown', '_hidden', '1.2.3', 'evil.test', '${jndi}', ':::'];
    const requests = Array.from({ length: max * 50 + 10 }, (_, i) => nonsense[i % 6] ?? '');
    expect(await passed(forwarded(requests))).toBe(max * 50);
    // Whose address is known is not touched by it.
    expect(await passed(repeated('8.8.8.8'))).toBe(max);
  });

  it('has no limit where the operator exempts it — DS-04', async () => {
    await start('loopback', { exemptAddresses: ['160.79.104.0/21', '2607:6bc0::/48'] });
    expect(await passed(repeated('160.79.106.35'))).toBe(max + 3);
    expect(await passed(repeated('::ffff:160.79.106.35'))).toBe(max + 3);
    expect(await passed(repeated('2607:6bc0::7'))).toBe(max + 3);
    expect(await passed(repeated('160.79.112.1'))).toBe(max);
    expect(await passed(repeated('2607:6bc0:1::7'))).toBe(max);
  });
});
