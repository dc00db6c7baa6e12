import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import { ManualClock } from '../../test/support/manual-clock.js';
import { ConfigurationError, VerifierUnavailableError } from '../common/errors.js';
import { MultiAuthEvents } from '../common/events.js';
import type { MultiAuthEventMap } from '../common/events.js';
import type { VerifiedToken } from './access-token.js';
import { AuthProvider } from './auth-provider.js';
import { StaticTokenVerifier } from './static.verifier.js';
import type { TokenVerifier, VerificationContext } from './token-verifier.js';
import { VerifierChain } from './verifier-chain.js';

const RESOURCE = 'https://mcp.example.com/mcp';
const alice: VerifiedToken = { clientId: 'alice', scopes: ['read'] };
const bob: VerifiedToken = { clientId: 'bob', scopes: ['read', 'admin'] };

/** A source made of a function, that counts how often it is asked. */
function source(
  verify: (token: string, context: VerificationContext) => unknown,
  members: Partial<TokenVerifier> = {},
): TokenVerifier & { calls: number } {
  return {
    calls: 0,
    verifyToken(token, context) {
      this.calls++;
      return verify(token, context) as VerifiedToken | null;
    },
    ...members,
  };
}

const fails: readonly (readonly [string, () => unknown])[] = [
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  [
    'throws null',
    () => {
      throw null;
    },
  ],
  [
    'throws a text',
    () => {
      // oxlint-disable-next-line no-throw-literal -- what a careless verifier does
      throw 'broken';
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
  // oxlint-disable-next-line prefer-promise-reject-errors -- what a careless verifier does
  ['rejects with undefined', () => Promise.reject()],
  ['answers what is no token', () => ({ clientId: 7 })],
  ['promises what is no token', async () => ({ clientId: 'c', scopes: 'admin' })],
  ['answers true', () => true],
  ['answers an endless object', () => endless()],
  [
    'answers a thenable that throws',
    () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- what a careless verifier does
      then: () => {
        throw new Error('broken');
      },
    }),
  ],
];

function endless(): unknown {
  const claims: Record<string, unknown> = {};
  claims['self'] = claims;
  return { clientId: 'c', scopes: [], claims };
}

describe('VerifierChain', () => {
  const clock = new ManualClock(1_000_000);
  const events = new MultiAuthEvents();
  const failures: MultiAuthEventMap['source.failed'][] = [];
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => {
    unhandled.push(reason);
  };
  events.on('source.failed', (event) => failures.push(event));

  beforeEach(() => {
    failures.length = 0;
    unhandled.length = 0;
    process.on('unhandledRejection', onUnhandled);
  });
  afterEach(async () => {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  function chain(...sources: TokenVerifier[]): VerifierChain {
    return new VerifierChain(sources, { resource: RESOURCE, events, clock, timeoutSeconds: 0.02 });
  }

  it('does not exist without a source — VC-26', () => {
    expect(() => chain()).toThrow(ConfigurationError);
    expect(() => chain(source(() => null))).not.toThrow();
  });

  it.each([0, -1, NaN, Infinity])('does not exist with a timeout of %s', (timeoutSeconds) => {
    const options = { resource: RESOURCE, events, clock, timeoutSeconds };
    expect(() => new VerifierChain([source(() => null)], options)).toThrow(/timeoutSeconds/);
  });

  it('accepts what the first source accepts, and asks no other', () => {
    const second = source(() => bob);
    expect(
      chain(
        source(() => alice, { name: 'first' }),
        second,
      ).verify('t'),
    ).toEqual({
      outcome: 'accepted',
      token: { ...alice, token: 't', claims: {}, source: 'first' },
    });
    expect(second.calls).toBe(0);
  });

  it('goes on to the next source when one rejects', async () => {
    const verdict = await chain(
      source(async () => null),
      source(() => alice),
    ).verify('t');
    expect(verdict).toMatchObject({ outcome: 'accepted', token: { clientId: 'alice' } });
  });

  it('collects the reason of each source that rejects', () => {
    const verdict = chain(
      source((_t, context) => context.reject('expired'), { name: 'a' }),
      // oxlint-disable-next-line typescript/unbound-method -- what a hasty verifier does
      source((_t, { reject }) => reject('wrong_issuer'), { name: 'b' }),
      source(() => null, { name: 'c' }),
      source(() => undefined, { name: 'd' }),
    ).verify('t');
    expect(verdict).toEqual({
      outcome: 'rejected',
      reasons: [
        { source: 'a', reason: 'expired' },
        { source: 'b', reason: 'wrong_issuer' },
        { source: 'c', reason: 'rejected' },
        { source: 'd', reason: 'rejected' },
      ],
    });
  });

  it('never repeats the token in a reason or an event', () => {
    const secret = 'the-bearer-token';
    const verdict = chain(
      source((token, context) => context.reject(`bad ${token}`)),
      source((_token, context) => context.reject({ secret } as never)),
    ).verify(secret);
    void chain(
      source((token) => {
        throw new Error(`cannot read ${token}`);
      }),
    ).verify(secret);
    expect(JSON.stringify([verdict, failures])).not.toContain(secret);
    expect(failures[0]?.reason).toBe('cannot read [token]');
  });

  it('tells the source the resource and what the token looks like', () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const seen: unknown[] = [];
    void chain(
      source((_t, { resource, unverifiedJwt }) => {
        seen.push(resource, unverifiedJwt);
        return null;
      }),
    ).verify(`${part({ alg: 'none' })}.${part({ iss: 'x' })}.sig`);
    expect(seen).toEqual([RESOURCE, { header: { alg: 'none' }, claims: { iss: 'x' } }]);
  });

  describe('without waiting', () => {
    it.each([
      ['accepted', source(() => alice)],
      ['rejected', source(() => null)],
      [
        'unavailable',
        source(() => {
          throw new Error('broken');
        }),
      ],
    ])('answers %s without a promise and without a timer', (outcome, one) => {
      const timers = jest.spyOn(globalThis, 'setTimeout');
      expect(chain(one).verify('t')).toMatchObject({ outcome });
      expect(timers).not.toHaveBeenCalled();
      timers.mockRestore();
    });
  });

  describe('when a source fails', () => {
    it.each(fails)('a source that %s does not stop the next one — VC-01', async (_what, fail) => {
      const verdict = await chain(
        source(fail, { name: 'broken' }),
        source(() => alice),
      ).verify('t');
      expect(verdict).toMatchObject({ outcome: 'accepted', token: { clientId: 'alice' } });
      expect(failures).toEqual([
        { source: 'broken', resource: RESOURCE, reason: expect.any(String) },
      ]);
    });

    it.each(fails)(
      'there is no verdict when a source %s and none accepts — VC-02',
      async (_w, fail) => {
        const rejecting = source(() => null);
        expect(await chain(source(fail), rejecting).verify('t')).toEqual({
          outcome: 'unavailable',
          retryAfterSeconds: 5,
        });
        expect(rejecting.calls).toBe(1);
      },
    );

    it('answers unavailable when all fail, with the longest time to wait — VC-02', async () => {
      const unavailable = (retryAfterSeconds: number) =>
        source(() =>
          Promise.reject(new VerifierUnavailableError('no keys', { retryAfterSeconds })),
        );
      expect(await chain(unavailable(12), unavailable(30.2), unavailable(7)).verify('t')).toEqual({
        outcome: 'unavailable',
        retryAfterSeconds: 31,
      });
      expect(failures).toHaveLength(3);
      expect(await chain(unavailable(NaN)).verify('t')).toMatchObject({ retryAfterSeconds: 5 });
      expect(await chain(unavailable(-1)).verify('t')).toMatchObject({ retryAfterSeconds: 5 });
    });

    it('is not disturbed by a listener that throws', () => {
      const loud = new MultiAuthEvents();
      loud.on('source.failed', () => {
        throw new Error('listener');
      });
      const options = { resource: RESOURCE, events: loud, clock, timeoutSeconds: 1 };
      const broken = source(() => {
        throw new Error('broken');
      });
      const verdict = new VerifierChain([broken, source(() => alice)], options).verify('t');
      expect(verdict).toMatchObject({ outcome: 'accepted' });
    });
  });

  describe('when a source takes too long', () => {
    it('goes on, aborts the source and counts it as failed', async () => {
      let signal: AbortSignal | undefined;
      const slow = source(
        (_t, context) => {
          ({ signal } = context);
          return new Promise(() => {});
        },
        { name: 'slow' },
      );
      const verdict = await chain(
        slow,
        source(() => alice),
      ).verify('t');
      expect(verdict).toMatchObject({ outcome: 'accepted' });
      expect(signal?.aborted).toBe(true);
      expect(failures).toMatchObject([{ source: 'slow', reason: expect.stringMatching(/0\.02/) }]);
      expect(await chain(slow).verify('t')).toMatchObject({ outcome: 'unavailable' });
    });

    it.each([
      [0.02, 60],
      [60, 0.02],
    ])('gives a source its own time: %s s in a chain of %s', async (own, common) => {
      const answer = () => new Promise((resolve) => setTimeout(() => resolve(alice), 60));
      const one = source(answer, { name: 'one', timeoutSeconds: own });
      const options = { resource: RESOURCE, events, clock, timeoutSeconds: common };
      const verdict = new VerifierChain([one], options).verify('t');
      if (own < common) {
        expect(await verdict).toMatchObject({ outcome: 'unavailable' });
        expect(failures).toMatchObject([{ reason: expect.stringContaining(`${own} seconds`) }]);
      } else {
        expect(await verdict).toMatchObject({ outcome: 'accepted' });
      }
    });

    it('hands out an aborted signal to who asks for it late', async () => {
      let later: VerificationContext | undefined;
      await chain(
        source((_t, context) => {
          later = context;
          return new Promise(() => {});
        }),
      ).verify('t');
      expect(later?.signal.aborted).toBe(true);
    });

    it('does not let a late rejection become an unhandled one — VC-01', async () => {
      let rejectLate: ((reason: Error) => void) | undefined;
      const late = source(
        () =>
          new Promise((_resolve, reject) => {
            rejectLate = reject;
          }),
      );
      expect(await chain(late).verify('t')).toMatchObject({ outcome: 'unavailable' });
      rejectLate?.(new Error('too late'));
    });

    it('clears the timer of a source that answers', async () => {
      const clear = jest.spyOn(globalThis, 'clearTimeout');
      let signal: AbortSignal | undefined;
      const inTime = source(async (_t, context) => {
        ({ signal } = context);
        return alice;
      });
      expect(await chain(inTime).verify('t')).toMatchObject({ outcome: 'accepted' });
      expect(clear).toHaveBeenCalledTimes(1);
      expect(signal?.aborted).toBe(false);
      clear.mockRestore();
    });
  });

  describe('with sources that recognize tokens', () => {
    const owner = () =>
      source((_t, c) => c.reject('expired'), { name: 'owner', recognizes: () => true });

    it('offers a token to its owner alone, even when the owner rejects it', () => {
      const loose = source(() => alice);
      expect(chain(loose, owner()).verify('t')).toEqual({
        outcome: 'rejected',
        reasons: [{ source: 'owner', reason: 'expired' }],
      });
      expect(loose.calls).toBe(0);
    });

    it('keeps the declared order among several owners', () => {
      const second = source(() => alice, { name: 'second', recognizes: () => true });
      const verdict = chain(owner(), second).verify('t');
      expect(verdict).toMatchObject({ outcome: 'accepted', token: { source: 'second' } });
    });

    it('asks all but those that say no when none owns the token', () => {
      const no = source(() => bob, { recognizes: () => false });
      const verdict = chain(
        no,
        source(() => alice),
      ).verify('t');
      expect(verdict).toMatchObject({ outcome: 'accepted', token: { clientId: 'alice' } });
      expect(no.calls).toBe(0);
      expect(chain(no).verify('t')).toEqual({ outcome: 'rejected', reasons: [] });
    });

    it.each<[string, () => unknown]>([
      [
        'throws',
        () => {
          throw new Error('broken');
        },
      ],
      ['answers a promise', () => Promise.reject(new Error('broken'))],
      ['answers a text', () => 'true'],
    ])('asks a source whose recognizes %s', (_what, recognizes) => {
      const verdict = chain(
        source(() => alice, { recognizes: recognizes as () => boolean }),
      ).verify('t');
      expect(verdict).toMatchObject({ outcome: 'accepted' });
    });
  });

  describe('when a token came in a header of its own', () => {
    it('asks the sources that named the header, and no others', () => {
      const key = source(() => alice, { name: 'key', header: 'X-Api-Key' });
      const loose = source(() => bob);
      const owner = source(() => bob, { recognizes: () => true });
      const one = chain(loose, owner, key);
      expect(one.verify('t', 'x-api-key')).toMatchObject({ token: { source: 'key' } });
      expect(one.verify('t', 'x-other')).toEqual({ outcome: 'rejected', reasons: [] });
      expect([loose.calls, owner.calls]).toEqual([0, 0]);
      // Beside it they are asked as ever.
      expect(one.verify('t')).toMatchObject({ token: { clientId: 'bob' } });
      expect(chain(key).verify('t')).toMatchObject({ token: { source: 'key' } });
    });

    it('asks the owners among them alone', () => {
      const header = 'x-api-key';
      const loose = source(() => bob, { header });
      const owner = source((_t, c) => c.reject('expired'), { header, recognizes: () => true });
      expect(chain(loose, owner).verify('t', header)).toMatchObject({ outcome: 'rejected' });
      expect(loose.calls).toBe(0);
    });
  });

  describe('for one resource of several', () => {
    const OTHER = 'https://mcp.example.com/other';
    const chainFor = (resource: string | undefined): VerifierChain =>
      new VerifierChain([source(() => ({ ...alice, resource }))], {
        resource: RESOURCE,
        otherResources: [OTHER],
        events: new MultiAuthEvents(),
        clock: new ManualClock(),
        timeoutSeconds: 1,
      });

    it.each([OTHER, `${OTHER}/`])(
      'rejects a token that is for another one: %s — AT-35',
      (resource) => {
        expect(chainFor(resource).verify('t')).toMatchObject({
          outcome: 'rejected',
          reasons: [{ reason: 'wrong_resource' }],
        });
      },
    );

    it.each([RESOURCE, 'https://elsewhere.example', undefined])(
      'leaves an audience that is no other resource of the module to the verifier: %s',
      (resource) => {
        expect(chainFor(resource).verify('t')).toMatchObject({ outcome: 'accepted' });
      },
    );
  });

  describe('for every source alike', () => {
    it('rejects an expired token — AT-23', () => {
      const expiring = (expiresAt: number, members: Partial<TokenVerifier> = {}) =>
        chain(source(() => ({ ...alice, expiresAt }), { name: 's', ...members })).verify('t');
      const expired = { outcome: 'rejected', reasons: [{ source: 's', reason: 'expired' }] };
      expect(expiring(clock.now())).toEqual(expired);
      expect(expiring(0)).toEqual(expired);
      expect(expiring(clock.now() + 1)).toMatchObject({ outcome: 'accepted' });
    });

    it('judges the expiry with the tolerance of the source, 30 seconds at most — AT-23', () => {
      const outcome = (secondsAgo: number, clockToleranceSeconds: number) =>
        chain(
          source(() => ({ ...alice, expiresAt: clock.now() - secondsAgo }), {
            clockToleranceSeconds,
          }),
        ).verify('t');
      expect(outcome(4, 5)).toMatchObject({ outcome: 'accepted' });
      expect(outcome(5, 5)).toMatchObject({ outcome: 'rejected' });
      expect(outcome(30, 3600)).toMatchObject({ outcome: 'rejected' });
      expect(outcome(29, 3600)).toMatchObject({ outcome: 'accepted' });
      expect(outcome(1, NaN)).toMatchObject({ outcome: 'rejected' });
      expect(outcome(0, -5)).toMatchObject({ outcome: 'rejected' });
    });

    it('rejects a token without the scopes of the source that accepted it — VC-19', () => {
      const a = source((t) => (t === 'a' ? alice : null), { name: 'a', requiredScopes: ['read'] });
      const b = source((t) => (t === 'a' ? null : t === 'b' ? bob : { ...alice }), {
        name: 'b',
        requiredScopes: ['admin'],
      });
      const both = chain(a, b);
      expect(both.verify('a')).toMatchObject({ outcome: 'accepted', token: { source: 'a' } });
      expect(both.verify('b')).toMatchObject({ outcome: 'accepted', token: { source: 'b' } });
      expect(both.verify('b-without-admin')).toMatchObject({
        outcome: 'rejected',
        reasons: [{ source: 'a' }, { source: 'b', reason: 'insufficient_scope' }],
      });
    });

    it('leaves the list of a server to the module that has it', () => {
      class Server extends AuthProvider {
        override readonly requiredScopes = ['admin'];
        verifyToken(): VerifiedToken {
          return alice;
        }
      }
      expect(chain(new Server()).verify('t')).toMatchObject({ outcome: 'accepted' });
    });

    it('remembers nothing of a token: the next one is verified for itself — VC-15', () => {
      const tokens = { 'token-abcdef': { clientId: 'alice' } };
      const one = chain(new StaticTokenVerifier({ tokens, clock }));
      expect(one.verify('token-abcdef')).toMatchObject({ outcome: 'accepted' });
      for (const other of [
        'token-ABCDEF',
        'token-abcdeg',
        'token-abcdef ',
        'token-abcde',
        'ｔoken-abcdef',
      ]) {
        expect(one.verify(other)).toMatchObject({ outcome: 'rejected' });
      }
    });
  });

  it('accepts the same identity in whatever order disjoint sources stand — VC-25', () => {
    const tokenNames = ['token-one', 'token-two', 'token-three', 'token-four'];
    const permutation = fc.shuffledSubarray(tokenNames, { minLength: tokenNames.length });
    const speaker = (t: string, asPromise: boolean) =>
      source((token) => {
        const answer = token === t ? { clientId: `client of ${t}`, scopes: [] } : null;
        return asPromise ? Promise.resolve(answer) : answer;
      });
    return fc.assert(
      fc.asyncProperty(
        permutation,
        fc.constantFrom(...tokenNames, 'token-none'),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        async (order, token, promises) => {
          const shuffled = chain(...order.map((t, i) => speaker(t, promises[i] ?? false)));
          const verdict = await shuffled.verify(token);
          expect(verdict.outcome === 'accepted' ? verdict.token.clientId : undefined).toBe(
            token === 'token-none' ? undefined : `client of ${token}`,
          );
        },
      ),
    );
  });
});
