import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeIssuer } from '../../test/support/fake-issuer.js';
import type { FakeIssuerMode } from '../../test/support/fake-issuer.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { VerifierUnavailableError } from '../common/errors.js';
import { OutboundClient } from '../http/outbound.js';
import { JwksSource } from './jwks-source.js';

describe('JwksSource', () => {
  const issuer = new FakeIssuer({ algorithm: 'ES256' });
  let clock: ManualClock;
  let source: JwksSource;
  let kid: string;

  beforeAll(() => issuer.start());
  afterAll(() => issuer.stop());
  beforeEach(async () => {
    issuer.reset();
    ({ kid } = await issuer.rotate());
    clock = new ManualClock(1_000_000);
    const outbound = new OutboundClient({ timeoutSeconds: 0.5, maxBytes: 65_536 });
    source = new JwksSource(issuer.jwksUri, { outbound, clock });
  });

  const find = (id: string | undefined = kid) => Promise.resolve(source.find('ES256', id));

  it('fetches once and then answers without a promise', async () => {
    const key = await find();
    expect(key?.type).toBe('public');
    expect(source.find('ES256', kid)).toBe(key);
    clock.advance(539);
    expect(source.find('ES256', kid)).toBe(key);
    expect(issuer.requests).toBe(1);
  });

  it('fetches anew shortly before the keys are too old, and nobody waits for it', async () => {
    const key = await find();
    clock.advance(540);
    expect(source.find('ES256', kid)).toBe(key);
    const seen = async (): Promise<void> => {
      while (issuer.requests < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await seen();
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(539);
    expect(source.find('ES256', kid)).toMatchObject({ type: 'public' });
    expect(issuer.requests).toBe(2);
  });

  it('fetches once for all who ask at the same time', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => find()));
    expect(new Set(keys).size).toBe(1);
    expect(issuer.requests).toBe(1);
  });

  it('fetches once even when those who ask at the same time ask for unknown keys', async () => {
    await find();
    clock.advance(30);
    const kids = Array.from({ length: 20 }, (_, i) => `unknown-${i}`);
    expect(await Promise.all(kids.map(find))).toEqual(kids.map(() => undefined));
    expect(issuer.requests).toBe(2);
  });

  it('looks for an unknown key again, but not within 30 seconds — VC-28', async () => {
    await find();
    expect(await find('unknown')).toBeUndefined();
    clock.advance(29);
    expect(await find('unknown')).toBeUndefined();
    expect(issuer.requests).toBe(1);
    clock.advance(1);
    expect(await find('unknown')).toBeUndefined();
    expect(issuer.requests).toBe(2);
    expect(await find('unknown')).toBeUndefined();
    expect(issuer.requests).toBe(2);
  });

  it('finds a new key after a rotation', async () => {
    await find();
    const { kid: next } = await issuer.rotate();
    clock.advance(30);
    expect(await find(next)).toBeDefined();
    expect(await find(kid)).toBeUndefined();
  });

  it('stops using a removed key after 10 minutes — AT-15', async () => {
    await find();
    await issuer.rotate();
    clock.advance(599);
    expect(await find()).toBeDefined();
    clock.advance(1);
    expect(await find()).toBeUndefined();
    expect(issuer.requests).toBe(2);
  });

  it('finds the only key for a token without kid, and none among several — AT-12', async () => {
    expect(await Promise.resolve(source.find('ES256', undefined))).toBeDefined();
    await issuer.addKey();
    clock.advance(600);
    expect(await Promise.resolve(source.find('ES256', undefined))).toBeUndefined();
    expect(await find()).toBeDefined();
  });

  it('finds the only key that fits the algorithm for a token without kid', async () => {
    await issuer.addKey('EdDSA');
    expect((await Promise.resolve(source.find('EdDSA', undefined)))?.asymmetricKeyType).toBe(
      'ed25519',
    );
  });

  it('never finds a key for an algorithm that is not its own — AT-08', async () => {
    await find();
    expect(await Promise.resolve(source.find('RS256', kid))).toBeUndefined();
    expect(await Promise.resolve(source.find('ES384', kid))).toBeUndefined();
  });

  it.each(['__proto__', 'constructor', 'toString', '', '../../../dev/null', 'http://evil.test/'])(
    'finds nothing for the kid %j — AT-10',
    async (id) => {
      expect(await find(id)).toBeUndefined();
      expect(issuer.strayRequests).toBe(0);
    },
  );

  it('takes a set without any usable key for an answer', async () => {
    issuer.document = { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid }] };
    expect(await find()).toBeUndefined();
    expect(await find()).toBeUndefined();
    expect(issuer.requests).toBe(1);
  });

  describe.each<FakeIssuerMode>(['500', 'hang', 'html', 'redirect', 'huge'])(
    'when the endpoint answers with %s — AT-14',
    (mode) => {
      it('has no verdict without keys, and asks again after 5 seconds', async () => {
        issuer.mode = mode;
        await expect(find()).rejects.toThrow(VerifierUnavailableError);
        clock.advance(4);
        await expect(find()).rejects.toThrow(VerifierUnavailableError);
        expect(issuer.requests).toBe(1);
        clock.advance(1);
        issuer.mode = 'ok';
        expect(await find()).toBeDefined();
        expect(issuer.requests).toBe(2);
        expect(issuer.strayRequests).toBe(0);
      });

      it('uses the last keys until an hour after it had them', async () => {
        const key = await find();
        issuer.mode = mode;
        clock.advance(3599);
        expect(await find()).toBe(key);
        expect(await find()).toBe(key);
        expect(issuer.requests).toBe(2);
        clock.advance(1);
        await expect(find()).rejects.toThrow(VerifierUnavailableError);
        issuer.mode = 'ok';
        clock.advance(5);
        expect(await find()).toBeDefined();
      });
    },
  );

  it.each([{ keys: {} }, [], 'keys', null])(
    'fails for %j, which is no JWK Set — AT-14',
    async (d) => {
      issuer.document = d ?? 7;
      await expect(find()).rejects.toThrow(/not a JWK Set/);
    },
  );

  it('has no verdict on an unknown key while the endpoint fails, and keeps the known ones', async () => {
    await find();
    issuer.mode = '500';
    clock.advance(30);
    await expect(find('unknown')).rejects.toThrow(VerifierUnavailableError);
    await expect(find('unknown')).rejects.toThrow(VerifierUnavailableError);
    expect(await find()).toBeDefined();
    expect(issuer.requests).toBe(2);
  });

  it('says why and when to try again, and nothing of what the endpoint sent', async () => {
    issuer.mode = 'html';
    await expect(find()).rejects.toMatchObject({
      message: 'The keys cannot be had: the answer is not JSON',
      retryAfterSeconds: 5,
    });
  });

  it('does not keep keys alive when the clock is set back', async () => {
    await find();
    await issuer.rotate();
    clock.advance(-86_400);
    expect(await find()).toBeUndefined();
    expect(issuer.requests).toBe(2);
  });
});
