import { describe, expect, it } from '@jest/globals';
import { platforms } from '../../support/app.js';
import { FakeServer, FakeVerifier } from '../../support/fake-sources.js';
import { composing, serving } from './support.js';

const baseUrl = 'https://api.example.com';

describe('the way of a token through server and verifiers', () => {
  it('model 15: a token of the server is accepted by the server', async () => {
    const server = new FakeServer({ name: 'server', tokens: { mine: {} } });
    const other = new FakeVerifier({ name: 'other' });
    await composing({ baseUrl, server, verifiers: other }, async ({ service }) => {
      const verdict = await service.verifyToken('mine');
      expect(verdict).toMatchObject({ outcome: 'accepted', token: { source: 'server' } });
    });
  });

  it('model 16: a token the server misses is accepted by a verifier', async () => {
    const server = new FakeServer({ name: 'server', tokens: { mine: {} } });
    const other = new FakeVerifier({ name: 'other', tokens: { theirs: {} } });
    await composing({ baseUrl, server, verifiers: other }, async ({ ask }) => {
      expect(await ask('theirs')).toBe('other');
      expect(server.asked.map((a) => a.token)).toEqual(['theirs']);
    });
  });

  it('model 17: of two verifiers that know a token the first wins', async () => {
    const [first, second] = ['first', 'second'].map(
      (name) => new FakeVerifier({ name, tokens: { shared: {} } }),
    ) as [FakeVerifier, FakeVerifier];
    await composing({ verifiers: [first, second] }, async ({ ask }) => {
      expect(await ask('shared')).toBe('first');
      expect(second.asked).toEqual([]);
    });
    await composing({ verifiers: [second, first] }, async ({ ask }) => {
      expect(await ask('shared')).toBe('second');
    });
  });

  it('model 18: a token nobody knows is rejected by all', async () => {
    const server = new FakeServer({ name: 'server' });
    const other = new FakeVerifier({ name: 'other' });
    await composing({ baseUrl, server, verifiers: other }, async ({ service }) => {
      const verdict = await service.verifyToken('unknown');
      expect(verdict).toMatchObject({ outcome: 'rejected' });
      expect(JSON.stringify(verdict)).toContain('"server"');
      expect(JSON.stringify(verdict)).toContain('"other"');
    });
  });

  it('model 19: without a server each verifier accepts its own', async () => {
    const verifiers = ['a', 'b', 'c'].map(
      (name) => new FakeVerifier({ name, tokens: { [`token-${name}`]: {} }, waits: name !== 'b' }),
    );
    await composing({ verifiers }, async ({ ask }) => {
      for (const name of ['a', 'b', 'c']) expect(await ask(`token-${name}`)).toBe(name);
      expect(await ask('token-d')).toBe('rejected');
    });
  });

  it('model 20: a verifier that throws does not end the chain', async () => {
    const broken = new FakeVerifier({ name: 'broken', broken: true });
    const sound = new FakeVerifier({ name: 'sound', tokens: { known: {} } });
    await composing({ verifiers: [broken, sound] }, async ({ ask }) => {
      expect(await ask('known')).toBe('sound');
      expect(broken.asked).toHaveLength(1);
    });
  });

  it('model 21: a server that throws does not end the chain', async () => {
    const server = new FakeServer({ name: 'server', broken: true });
    const sound = new FakeVerifier({ name: 'sound', tokens: { known: {} } });
    await composing({ baseUrl, server, verifiers: sound }, async ({ ask }) => {
      expect(await ask('known')).toBe('sound');
      expect(server.asked).toHaveLength(1);
    });
  });

  // FastMCP answers null, and 401, when nobody could tell. Here that is no verdict.
  it('model 22: when all throw nothing escapes, and the token is not called invalid', async () => {
    const verifiers = ['a', 'b'].map((name) => new FakeVerifier({ name, broken: true }));
    await composing({ verifiers }, async ({ ask }) => {
      expect(await ask('any')).toBe('unavailable');
    });
  });

  it('model 23: once the server accepts, no verifier is asked', async () => {
    const server = new FakeServer({ name: 'server', tokens: { shared: {} } });
    const other = new FakeVerifier({ name: 'other', tokens: { shared: {} } });
    await composing({ baseUrl, server, verifiers: other }, async ({ ask }) => {
      expect(await ask('shared')).toBe('server');
      expect(other.asked).toEqual([]);
    });
  });
});

describe('the scopes a source demands and those the module demands', () => {
  it.each(platforms)('answer 401 and 403 on %s (model, section 1.3)', async (platform) => {
    const strict = new FakeVerifier({
      name: 'strict',
      requiredScopes: ['own'],
      tokens: { 'without-own': { scopes: ['mcp'] }, 'without-mcp': { scopes: ['own'] } },
    });
    const options = { verifiers: strict, requiredScopes: ['mcp'] };
    await serving(options, platform, async ({ get }) => {
      const shortOfSource = await get('/mcp', 'without-own');
      expect(shortOfSource).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
      const shortOfModule = await get('/mcp', 'without-mcp');
      expect(shortOfModule).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
    });
  });

  it.each(platforms)('a shortfall at one source leaves the others a chance on %s', async (p) => {
    const strict = new FakeVerifier({
      name: 'strict',
      requiredScopes: ['own'],
      tokens: { shared: { scopes: [] } },
    });
    const loose = new FakeVerifier({ name: 'loose', tokens: { shared: { scopes: [] } } });
    await serving({ verifiers: [strict, loose] }, p, async ({ get }) => {
      expect(await get('/mcp', 'shared')).toMatchObject({ status: 200, body: { source: 'loose' } });
    });
  });

  it.each(platforms)('an unavailable source is answered 503 on %s', async (p) => {
    const broken = new FakeVerifier({ name: 'broken', broken: true });
    const sound = new FakeVerifier({ name: 'sound', tokens: { known: {} } });
    await serving({ verifiers: [broken, sound] }, p, async ({ get }) => {
      expect((await get('/mcp', 'known')).status).toBe(200);
      const answer = await get('/mcp', 'unknown');
      expect(answer).toMatchObject({ status: 503, challenge: null });
    });
  });
});
