// VC-25: who gets in, and as whom, depends on the token and not on where a source stands.
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import {
  ApiKeyVerifier,
  generateApiKey,
  IntrospectionVerifier,
  JwtVerifier,
  MultiAuthEvents,
  StaticTokenVerifier,
  type TokenVerifier,
  TrustedIssuersVerifier,
} from '../../lib/index.js';
import { VerifierChain } from '../../lib/verifiers/verifier-chain.js';
import { FakeVerifier } from '../support/fake-sources.js';
import { ManualClock } from '../support/manual-clock.js';
import { propertyRuns } from '../support/property-runs.js';

const resource = 'https://mcp.test/mcp';
const clock = new ManualClock();
const numRuns = propertyRuns();

/** A source with a token that it accepts, and tokens of its own kind that nobody may accept. */
interface Kind {
  readonly source: TokenVerifier;
  readonly genuine: string;
  readonly bad: readonly string[];
  /** It can tell its tokens at a glance, so that they are offered to it alone. */
  readonly owns: boolean;
}

/** Another kind of source has to be added here alone. */
async function everyKind(): Promise<readonly Kind[]> {
  const key = generateApiKey({ prefix: 'acme' });
  const opaque = 'opaque-token-of-carol';
  return [
    await jwtKind('https://pem.test', (publicKey, options) => {
      return new JwtVerifier({ publicKey, ...options });
    }),
    await jwtKind('https://found.test', (publicKey, { issuer, ...options }) => {
      const documents: Record<string, object> = {
        [`${issuer}/.well-known/openid-configuration`]: { issuer, jwks_uri: `${issuer}/keys` },
        [`${issuer}/keys`]: { keys: [publicKey] },
      };
      const fetch = async (url: unknown) => Response.json(documents[String(url)]);
      return new TrustedIssuersVerifier({ issuers: [issuer], fetch, ...options });
    }),
    {
      source: new StaticTokenVerifier({
        tokens: { 'static-token': { clientId: 'robot', scopes: ['use'] } },
        clock,
      }),
      genuine: 'static-token',
      bad: ['static-tokem'],
      owns: true,
    },
    {
      source: new ApiKeyVerifier({
        prefix: 'acme',
        keys: async (id) => (id === key.id ? { hash: key.hash, subject: 'alice' } : null),
        clock,
      }),
      genuine: key.key,
      bad: [generateApiKey({ prefix: 'acme' }).key, key.key.slice(0, -1), 'acme_'],
      owns: true,
    },
    {
      source: new IntrospectionVerifier({
        introspectionEndpoint: 'https://as.test/introspect',
        clientId: 'app',
        clientSecret: 'secret-of-the-app',
        clock,
        fetch: async (_url, init) => {
          const active = new URLSearchParams(init?.body as URLSearchParams).get('token') === opaque;
          return Response.json({ active, ...(active && { sub: 'carol', aud: resource }) });
        },
      }),
      genuine: opaque,
      bad: ['opaque-token-of-nobody'],
      owns: false,
    },
    {
      source: new FakeVerifier({ name: 'custom', tokens: { 'custom-token': {} }, waits: true }),
      genuine: 'custom-token',
      bad: ['custom-tokem'],
      owns: false,
    },
  ];
}

type PublicKey = Awaited<ReturnType<typeof exportJWK>>;
type JwtOptions = Readonly<Record<'issuer' | 'audience', string>> & {
  readonly algorithms: readonly string[];
  readonly clock: ManualClock;
};

async function jwtKind(
  issuer: string,
  make: (key: PublicKey, options: JwtOptions) => TokenVerifier,
): Promise<Kind> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const sign = (claims: JWTPayload) =>
    new SignJWT({ iss: issuer, aud: resource, sub: 'bob', exp: clock.now() + 60, ...claims })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey);
  const genuine = await sign({});
  const jwk = await exportJWK(publicKey);
  return {
    source: make(jwk, { issuer, audience: resource, algorithms: ['ES256'], clock }),
    genuine,
    bad: [
      await sign({ exp: clock.now() - 60 }),
      await sign({ aud: 'https://another.test' }),
      await sign({ iss: 'https://nobody.test' }),
      await sign({
        iss: issuer === 'https://pem.test' ? 'https://found.test' : 'https://pem.test',
      }),
      `${genuine.slice(0, -6)}AAAAAA`,
    ],
    owns: true,
  };
}

/** Sources that should not be there: they accept nothing, each in its own way. */
const useless: readonly (TokenVerifier & { readonly fails?: true; readonly claims?: true })[] = [
  { verifyToken: () => null },
  { verifyToken: async () => null, recognizes: () => undefined },
  { verifyToken: () => ({ clientId: 'intruder', scopes: [] }), recognizes: () => false },
  { verifyToken: () => null, recognizes: () => true, claims: true },
  { verifyToken: () => ({ clientId: '', scopes: [] }), fails: true },
  { verifyToken: async () => true as never, fails: true },
  {
    verifyToken: () => {
      throw new Error('out of order');
    },
    fails: true,
  },
  { verifyToken: () => Promise.reject(new Error('out of order')), fails: true },
  {
    verifyToken: () => null,
    recognizes: () => {
      throw new Error('out of order');
    },
  },
  { verifyToken: () => null, recognizes: () => 'true' as never },
];

describe('a chain of disjoint sources', () => {
  let kinds: readonly Kind[];
  let tokens: readonly { readonly token: string; readonly by?: Kind }[];

  beforeAll(async () => {
    kinds = await everyKind();
    tokens = [
      ...kinds.map((by) => ({ token: by.genuine, by })),
      ...kinds.flatMap(({ bad }) => bad.map((token) => ({ token }))),
      { token: 'a.b.c' },
    ];
  });

  /** Who is let in, as whom; or the outcome. */
  async function ask(sources: readonly TokenVerifier[], token: string): Promise<unknown> {
    const events = new MultiAuthEvents();
    const chain = new VerifierChain(sources, { resource, events, clock, timeoutSeconds: 5 });
    const verdict = await chain.verify(token);
    if (verdict.outcome !== 'accepted') return verdict.outcome;
    const { source, issuer, subject, clientId } = verdict.token;
    return { source, issuer, subject, clientId };
  }

  const order = () => fc.shuffledSubarray([...kinds], { minLength: kinds.length });
  const nth = () => fc.nat({ max: tokens.length - 1 });

  it('lets in each of its tokens in any order, in the same name, and no other — VC-25', async () => {
    const names = new Set<string>();
    await fc.assert(
      fc.asyncProperty(order(), nth(), async (shuffled, index) => {
        const { token, by } = tokens[index] ?? { token: '' };
        const verdict = await ask(
          shuffled.map(({ source }) => source),
          token,
        );
        const declared = await ask(
          kinds.map(({ source }) => source),
          token,
        );
        expect(verdict).toEqual(declared);
        if (by) expect(verdict).toMatchObject({ source: by.source.name });
        else expect(verdict).toBe('rejected');
        if (by) names.add(by.source.name ?? '');
      }),
      { numRuns },
    );
    expect(names.size).toBe(kinds.length);
  });

  it('is opened to nobody, and closed to no owner, by a source that does not work', async () => {
    const additions = fc.array(
      fc.record({ at: fc.nat({ max: 10 }), added: fc.constantFrom(...useless) }),
      { minLength: 1, maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(order(), nth(), additions, async (shuffled, index, added) => {
        const { token, by } = tokens[index] ?? { token: '' };
        const sound = shuffled.map(({ source }) => source);
        const declared = await ask(sound, token);
        const sources = [...sound];
        for (const { at, added: source } of added) sources.splice(at, 0, source);
        const verdict = await ask(sources, token);
        const isClaimed = added.some(({ added: source }) => source.claims);
        const fails = added.some(({ added: source }) => source.fails);
        if (by && (by.owns || !isClaimed)) expect(verdict).toEqual(declared);
        else if (fails) expect(['rejected', 'unavailable']).toContain(verdict);
        else expect(verdict).toBe('rejected');
      }),
      { numRuns },
    );
  });
});
