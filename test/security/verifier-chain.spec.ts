// VC of the security matrix: several sources, of which some fail, lie or disagree.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  StaticTokenVerifier,
  type TokenVerifier,
  VerifierUnavailableError,
  type VerifiedToken,
} from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { EverySource, opaqueSources } from '../support/every-source.js';
import { FakeVerifier } from '../support/fake-sources.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', note);
  idp = await UpstreamIdp.start();
});

afterAll(async () => {
  process.off('unhandledRejection', note);
  await idp.stop();
});

type Answer = ReturnType<TokenVerifier['verifyToken']>;

/** Ways to fail that are no verdict. */
const faults: Readonly<Record<string, () => unknown>> = {
  'throws-an-error': () => {
    throw new Error('out of order');
  },
  'throws-null': () => {
    throw null;
  },
  'throws-a-text': () => {
    throw 'out of order';
  },
  'rejects-with-an-error': () => Promise.reject(new Error('out of order')),
  'rejects-with-undefined': () => Promise.reject(),
  'rejects-late': () =>
    new Promise((_, reject) => setTimeout(() => reject(new Error('too late')), 400)),
  'never-answers': () => new Promise(() => undefined),
  'is-unavailable': () => Promise.reject(new VerifierUnavailableError('the issuer is down')),
  'answers-true': () => true,
  'answers-a-text': () => 'yes',
  'answers-nobody': () => ({ scopes: ['mcp:use'] }),
  'answers-scopes-as-text': () => ({ clientId: 'c', scopes: 'mcp:use' }),
  'answers-an-expiry-NaN': () => ({ clientId: 'c', scopes: ['mcp:use'], expiresAt: Number.NaN }),
  'answers-a-throwing-getter': () => ({
    get clientId(): string {
      throw new Error('out of order');
    },
  }),
};

const broken: TokenVerifier = {
  name: 'broken',
  verifyToken: (token) => (faults[token.split('.')[0] ?? '']?.() ?? null) as Answer,
};

const lender: VerifiedToken & { scopes: string[] } = { clientId: 'lender', scopes: ['mcp:use'] };

describe.each(platforms)('a chain of sources on %s', (platform) => {
  let every: EverySource;

  const reader = new FakeVerifier({
    name: 'reader',
    requiredScopes: ['notes:read'],
    tokens: {
      'token-read-only': { scopes: ['notes:read'] },
      'token-read-and-use': { scopes: ['notes:read', 'mcp:use'] },
      'token-use-only': { scopes: ['mcp:use'] },
    },
  });
  const admin = new FakeVerifier({
    name: 'admin',
    requiredScopes: ['notes:admin'],
    tokens: {
      'token-use-only': { scopes: ['mcp:use'] },
      'token-admin-without': { scopes: ['mcp:use', 'notes:read'] },
      'token-admin-and-use': { scopes: ['mcp:use', 'notes:admin'] },
    },
  });

  beforeAll(async () => {
    every = await EverySource.start({
      idp,
      platform,
      module: { sourceTimeoutSeconds: 0.2 },
      verifiers: (_origin, clock) => [
        broken,
        {
          name: 'lenient',
          verifyToken: (token) =>
            token.endsWith('.good') ? { clientId: 'next', scopes: ['mcp:use'] } : null,
        },
        { name: 'lender', verifyToken: (token) => (token === 'lent-token' ? lender : null) },
        reader,
        admin,
        new StaticTokenVerifier({
          name: 'timed',
          clock,
          tokens: {
            'token-that-ends': {
              clientId: 'timed',
              scopes: ['mcp:use'],
              expiresAt: clock.now() + 60,
            },
            'token-without-scopes': { clientId: 'bare' },
          },
        }),
      ],
    });
  });

  afterAll(() => every.close());

  it.each(Object.keys(faults))('goes on when a source %s — VC-01', async (fault) => {
    const { log } = every.main.flow;
    log.clear();
    expect(await every.main.present(`${fault}.good`)).toBe('accepted');
    expect(every.main.door.seen).toMatchObject({ source: 'lenient', clientId: 'next' });
    expect(log.matching('warn', 'source.failed {"source":"broken"')).toHaveLength(1);
  });

  it.each(Object.keys(faults))(
    'has no verdict when a source %s and no other accepts — VC-02',
    async (fault) => {
      expect(await every.main.present(`${fault}.unknown`)).toBe('503');
    },
  );

  it('leaves no rejection unhandled — VC-01', async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(unhandled).toEqual([]);
    expect(await every.main.present('unknown-token')).toBe('B401i');
  });

  it('does not offer what one source owns and refuses to looser ones — VC-27', async () => {
    const before = every.custom.asked.length;
    for (const { app, genuine, name } of every.jwts) {
      expect([name, await app.present(`${genuine.slice(0, -6)}AAAAAA`)]).toEqual([name, 'B401i']);
    }
    expect(every.custom.asked).toHaveLength(before);
    // What nobody owns is offered to those who cannot tell, and to them alone.
    expect(await every.main.present('nobody-owns-this-token')).toBe('B401i');
    expect(every.custom.asked).toHaveLength(before + 1);
  });

  it('tells the same subject of two issuers apart — VC-07', async () => {
    const seen: unknown[] = [];
    for (const { app, sign, header, claims } of [every.own, ...every.foreign]) {
      const client_id = 'one-client';
      const token = sign(header, { ...claims, sub: 'alice', client_id });
      expect(await app.present(token)).toBe('accepted');
      const { issuer, subject } = app.door.seen ?? {};
      expect(subject).toBe('alice');
      seen.push(issuer);
    }
    expect(new Set(seen).size).toBe(1 + every.foreign.length);
  });

  it.each(opaqueSources)(
    'never takes one token for another, as a cache might: $source — VC-15',
    async ({ token }) => {
      expect(await every.main.present(token)).toBe('accepted');
      const changes = [
        token.toUpperCase(),
        token.replace('t', 'T'),
        token.slice(0, -1),
        `${token}x`,
        `${token}=`,
        `x${token}`,
        token.replace('-', '_'),
        token.split('').toReversed().join(''),
      ];
      for (const changed of changes.filter((text) => text !== token)) {
        expect([changed, await every.main.present(changed)]).toEqual([changed, 'B401i']);
      }
    },
  );

  it('never mixes requests that are judged side by side — VC-15', async () => {
    const { main, own, foreign } = every;
    const wanted: Readonly<Record<string, string>> = {
      [own.genuine]: 'OAuthProxy',
      ...Object.fromEntries(foreign.map(({ genuine, name }) => [genuine, name])),
      ...Object.fromEntries(opaqueSources.map(({ token, source }) => [token, source])),
      'rejects-with-an-error.good': 'lenient',
    };
    const rounds = Array.from({ length: 10 }, () => Object.entries(wanted)).flat();
    const sources = await Promise.all(
      rounds.map(async ([token]) => {
        const answer = await main.call('/mcp', { authorization: `Bearer ${token}` });
        return (JSON.parse(answer.text) as { source: string }).source;
      }),
    );
    expect(sources).toEqual(rounds.map(([, source]) => source));
  });

  it('hands out what nobody can change, and shares nothing with a source — VC-18', async () => {
    expect(await every.main.present('lent-token')).toBe('accepted');
    const { seen } = every.main.door;
    expect(Object.isFrozen(seen) && Object.isFrozen(seen?.scopes)).toBe(true);
    const scopes = seen?.scopes as string[] | undefined;
    expect(() => scopes?.push('admin')).toThrow(TypeError);
    lender.scopes.push('admin');
    expect(seen?.scopes).toEqual(['mcp:use']);
    lender.scopes.pop();
    expect(await every.main.present('lent-token')).toBe('accepted');
    expect(every.main.door.seen?.scopes).toEqual(['mcp:use']);
  });

  it("asks for a source's scopes and for its own, and drops neither — VC-19", async () => {
    const outcomes: Record<string, string> = {};
    for (const token of [
      'token-read-and-use',
      'token-read-only',
      'token-use-only',
      'token-admin-without',
      'token-admin-and-use',
    ]) {
      outcomes[token] = await every.main.present(token);
    }
    expect(outcomes).toEqual({
      'token-read-and-use': 'accepted',
      'token-read-only': 'B403',
      'token-use-only': 'B401i',
      'token-admin-without': 'B401i',
      'token-admin-and-use': 'accepted',
    });
    expect(every.main.door.seen?.source).toBe('admin');
    const document = await every.main.flow.send('/.well-known/oauth-protected-resource/mcp');
    expect(JSON.parse(document.text)).toMatchObject({
      scopes_supported: expect.arrayContaining(['mcp:use']) as unknown,
    });
  });

  it('honours the expiry of a static token, and gives none its scopes — VC-23', async () => {
    expect(await every.main.present('token-that-ends')).toBe('accepted');
    expect(await every.main.present('token-without-scopes')).toBe('B403');
    every.clock.advance(60);
    expect(await every.main.present('token-that-ends')).toBe('B401i');
    every.clock.advance(-60);
  });

  it('does nothing that costs for a token that cannot be good — VC-28', async () => {
    const { main, own, jwks, issuer, clock } = every;
    const { store } = main.flow.app;
    const before = { reads: store.total(), fetched: issuer.requests };
    const expired = { exp: clock.now() - 3600 };
    const unreadable = { ...own.header, kid: 'unknown' };
    for (const token of [
      'opaque-token-of-nobody',
      'a.b.c',
      'a.b.c.d.e',
      `${own.genuine}.`,
      `${own.genuine.slice(0, -4)}AAAA`,
      own.sign(unreadable, own.claims),
      own.sign(own.header, { ...own.claims, ...expired }),
      own.sign(own.header, { ...own.claims, aud: 'https://evil.test' }),
      own.sign({ ...own.header, typ: 'JWT' }, own.claims),
      own.sign(own.header, { ...own.claims, iss: 'https://nobody.test' }),
      jwks.sign({ ...jwks.header, kid: 'unknown', alg: 'HS256' }, jwks.claims),
      jwks.sign({ ...jwks.header, kid: 'unknown' }, { ...jwks.claims, ...expired }),
      jwks.sign({ ...jwks.header, kid: 'unknown' }, { ...jwks.claims, aud: 'another' }),
    ]) {
      expect(await main.present(token)).toBe('B401i');
    }
    expect({ reads: store.total(), fetched: issuer.requests }).toEqual(before);
    // A genuine one costs the look at its record and its grant.
    expect(await main.present(own.genuine)).toBe('accepted');
    expect(store.total()).toBe(before.reads + 2);
  });
});
