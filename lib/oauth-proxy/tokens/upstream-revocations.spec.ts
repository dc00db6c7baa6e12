import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { MultiAuthEvents } from '../../common/events.js';
import type { Upstream } from '../upstream/upstream.js';
import { UpstreamRevocations } from './upstream-revocations.js';

const tokens = { accessToken: 'secret-a', refreshToken: 'secret-r' };
const anHour = 3_600_000;

/** An upstream that is down for so many revocations. */
function setUp(failures: number, retries?: readonly number[]) {
  const asked: unknown[] = [];
  const reasons: string[] = [];
  const events = new MultiAuthEvents();
  events.on('upstream.failed', ({ reason }) => reasons.push(reason));
  const upstream = {
    revoke: async (given: unknown) => {
      asked.push(given);
      if (asked.length <= failures) throw new Error('503');
    },
  } as unknown as Upstream;
  return { asked, reasons, revocations: new UpstreamRevocations(upstream, events, retries) };
}

/** The first try has failed, and the wait for the second has begun. */
async function firstTry(asked: readonly unknown[]): Promise<void> {
  await eventually(() => asked.length === 1, 'the first try');
  await new Promise((resolve) => setImmediate(resolve));
}

describe('a revocation at the upstream', () => {
  it('is done once when it works', async () => {
    const { asked, reasons, revocations } = setUp(0);
    revocations.begin(tokens);
    await revocations.settled();
    expect(asked).toEqual([tokens]);
    expect(reasons).toEqual([]);
  });

  it('is tried again until it works — RI-07', async () => {
    const { asked, reasons, revocations } = setUp(2, [1, 1, 1]);
    revocations.begin(tokens);
    await eventually(() => asked.length === 3, 'the third try');
    await revocations.settled();
    expect(asked).toHaveLength(3);
    expect(reasons).toEqual([]);
  });

  it('is given up in the end, and the operator hears of it — RI-07', async () => {
    const { asked, reasons, revocations } = setUp(99, [1, 1, 1]);
    revocations.begin(tokens);
    await eventually(() => reasons.length > 0, 'the event');
    expect(asked).toHaveLength(4);
    expect(reasons).toEqual(['revocation given up: 503']);
    expect(JSON.stringify(reasons)).not.toContain('secret');
  });

  it('has a last try when the app closes, and does not hold it up', async () => {
    const { asked, reasons, revocations } = setUp(1, [anHour, anHour]);
    revocations.begin(tokens);
    await firstTry(asked);
    await revocations.settled();
    expect(asked).toHaveLength(2);
    expect(reasons).toEqual([]);
  });

  it('that is hopeless does not hold up the close of the app', async () => {
    const { asked, reasons, revocations } = setUp(99, [anHour, anHour, anHour]);
    revocations.begin(tokens);
    await firstTry(asked);
    await revocations.settled();
    expect(asked).toHaveLength(2);
    expect(reasons).toHaveLength(1);
  });

  it('that never ends is given up, and the app can close', async () => {
    const reasons: string[] = [];
    const events = new MultiAuthEvents();
    events.on('upstream.failed', ({ reason }) => reasons.push(reason));
    const upstream = { revoke: () => new Promise(() => {}) } as unknown as Upstream;
    const revocations = new UpstreamRevocations(upstream, events, [], 0.01);
    revocations.begin(tokens);
    await revocations.settled();
    expect(reasons).toEqual(['revocation given up: the upstream takes too long']);
  });

  it('is one of a thousand that wait at most', async () => {
    const { asked, reasons, revocations } = setUp(Infinity, [anHour]);
    for (let i = 0; i < 1003; i++) revocations.begin(tokens);
    await eventually(() => reasons.length > 0, 'those beyond are given up at once');
    expect([asked.length, reasons.length]).toEqual([1003, 3]);
    await revocations.settled();
    expect([asked.length, reasons.length]).toEqual([2003, 1003]);
  });

  it('is one of a thousand that wait at the same time, and not in all', async () => {
    const { asked, revocations } = setUp(Infinity, [0]);
    for (let i = 0; i < 1000; i++) revocations.begin(tokens);
    await eventually(() => asked.length === 2000, 'all have had both tries');
    revocations.begin(tokens);
    await eventually(() => asked.length === 2002, 'so has the next');
  });
});
