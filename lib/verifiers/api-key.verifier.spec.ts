import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.js';
import { ConfigurationError } from '../common/errors.js';
import { generateApiKey } from './api-key.js';
import { ApiKeyVerifier } from './api-key.verifier.js';
import type { ApiKey, ApiKeyVerifierOptions } from './api-key-verifier-options.js';
import { PresentedToken, SourceContext } from './source-context.js';

const RESOURCE = 'https://mcp.example.com/mcp';
const clock = new ManualClock(1_000_000);
const made = generateApiKey({ prefix: 'acme' });
const other = generateApiKey({ prefix: 'acme' });
const alice: ApiKey = { hash: made.hash, subject: 'alice', scopes: ['read'] };

function verifier(keys: unknown, options: Partial<ApiKeyVerifierOptions> = {}): ApiKeyVerifier {
  return new ApiKeyVerifier({ prefix: 'acme', keys: keys as never, clock, ...options });
}

/** The answer, or the reason of a refusal. */
async function ask(one: ApiKeyVerifier, key: string): Promise<unknown> {
  const context = new SourceContext(new PresentedToken(key, RESOURCE));
  return (await one.verifyToken(key, context)) ?? context.reason;
}

function issuesOf(options: unknown): readonly string[] {
  try {
    void new ApiKeyVerifier(options as ApiKeyVerifierOptions);
    return [];
  } catch (thrown) {
    return (thrown as ConfigurationError).issues.map((issue) => issue.path);
  }
}

describe('ApiKeyVerifier', () => {
  it('answers with what is kept of a key, in either way of keeping it', async () => {
    const kept = {
      ...alice,
      clientId: 'robot',
      expiresAt: clock.now() + 1,
      resource: `${RESOURCE}/`,
      claims: { tenant: 't' },
    };
    const { hash: _, ...wanted } = kept;
    const asked: unknown[] = [];
    const found = verifier((id: string, context: { resource: string }) => {
      asked.push([id, context.resource]);
      return Promise.resolve(kept);
    });
    expect(await ask(verifier({ [made.id]: kept }), made.key)).toEqual(wanted);
    expect(await ask(found, made.key)).toEqual(wanted);
    expect(asked).toEqual([[made.id, RESOURCE]]);
  });

  it('stands for itself when no client is named, and has no scopes when none are', async () => {
    expect(await ask(verifier({ [made.id]: { hash: made.hash } }), made.key)).toMatchObject({
      clientId: made.id,
      subject: undefined,
      scopes: [],
    });
  });

  it('takes the hash as sha256sum prints it', async () => {
    const hex = Buffer.from(made.hash, 'base64url').toString('hex');
    const one = verifier({ [made.id]: { ...alice, hash: hex } });
    expect(await ask(one, made.key)).toMatchObject({ subject: 'alice' });
  });

  it('answers for a list without a promise', () => {
    const context = new SourceContext(new PresentedToken(made.key, RESOURCE));
    const one = verifier({ [made.id]: alice });
    expect(one.verifyToken(made.key, context)).toMatchObject({ subject: 'alice' });
  });

  it.each<[string, object, string]>([
    ['is of another secret', { hash: other.hash }, 'wrong_secret'],
    ['has expired', { expiresAt: clock.now() }, 'expired'],
    ['has long expired', { expiresAt: 0 }, 'expired'],
    ['is for another resource', { resource: 'https://else.example/mcp' }, 'wrong_resource'],
    ['is for what is no resource', { resource: 'mcp' }, 'wrong_resource'],
    ['lacks a scope', { scopes: ['read-only'] }, 'insufficient_scope'],
    ['has no scopes', { scopes: undefined }, 'insufficient_scope'],
  ])('refuses a key that %s — AT-23, AT-32, AT-35', async (_what, changes, reason) => {
    const options = { requiredScopes: ['read'] };
    const one = (kept: object) => verifier({ [made.id]: kept }, options);
    expect(await ask(one(alice), made.key)).toMatchObject({ subject: 'alice' });
    expect(await ask(one({ ...alice, ...changes }), made.key)).toBe(reason);
  });

  it('refuses an unknown key, and never looks up what cannot be one — VC-28', async () => {
    const asked: string[] = [];
    const one = verifier((id: string) => void asked.push(id));
    expect(await ask(one, made.key)).toBe('unknown_key');
    const mistyped = made.key.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x'));
    for (const text of ['', 'acme_', 'acme_x_y', mistyped, made.key.slice(0, -1)]) {
      expect(await ask(one, text)).toBe('malformed');
    }
    expect(asked).toEqual([made.id]);
    const list = verifier({ [made.id]: alice });
    for (const text of [other.key, 'acme___proto___x', 'constructor']) {
      expect(await ask(list, text)).toMatch(/^unknown_key$|^malformed$/);
    }
  });

  it('never takes one key’s secret with another one’s id', async () => {
    const keys = { [made.id]: alice, [other.id]: { hash: other.hash, subject: 'bob' } };
    expect(await ask(verifier(keys), other.key)).toMatchObject({ subject: 'bob' });
    // A database that compares without case may find another key than the one that was named.
    expect(
      await ask(
        verifier(() => alice),
        other.key,
      ),
    ).toBe('wrong_secret');
  });

  it('takes a null, as a database has it, for what is absent', async () => {
    const nothing = { subject: null, clientId: null, scopes: null, expiresAt: null };
    const key: ApiKey = { hash: made.hash, ...nothing, resource: null, claims: null };
    const bare = { clientId: made.id, scopes: [] };
    expect(
      await ask(
        verifier(() => key),
        made.key,
      ),
    ).toEqual(bare);
    expect(await ask(verifier({ [made.id]: key }), made.key)).toEqual(bare);
  });

  it('has no verdict when the function fails, or finds what is no key', async () => {
    const failing: readonly (() => unknown)[] = [
      () => {
        throw new Error('no database');
      },
      () => Promise.reject(new Error('no database')),
      () => true,
      () => '',
      () => ({}),
      () => ({ ...alice, hash: made.key }),
      () => Promise.resolve({ ...alice, hash: null }),
    ];
    for (const find of failing) {
      await expect(ask(verifier(find), made.key)).rejects.toThrow(/no database|hash/);
    }
    for (const nothing of [null, undefined]) {
      expect(
        await ask(
          verifier(() => Promise.resolve(nothing)),
          made.key,
        ),
      ).toBe('unknown_key');
    }
  });

  it('is not changed by who changes the list later — VC-18', async () => {
    const keys: Record<string, { hash: string; scopes: string[] }> = {
      [made.id]: { hash: made.hash, scopes: ['read'] },
    };
    const one = verifier(keys);
    keys[made.id]?.scopes.push('admin');
    keys[other.id] = { hash: other.hash, scopes: ['admin'] };
    expect(await ask(one, made.key)).toMatchObject({ scopes: ['read'] });
    expect(await ask(one, other.key)).toBe('unknown_key');
  });

  it('forgets a key at once that is not found any more', async () => {
    const kept = new Map<string, ApiKey>([[made.id, alice]]);
    const one = verifier((id: string) => kept.get(id));
    expect(await ask(one, made.key)).toMatchObject({ subject: 'alice' });
    kept.clear();
    expect(await ask(one, made.key)).toBe('unknown_key');
  });

  it('recognizes its keys by their prefix, mistyped ones too, and nothing else', () => {
    const one = verifier({ [made.id]: alice });
    for (const own of [made.key, other.key, made.key.slice(0, -1), 'acme_']) {
      expect(one.recognizes(own)).toBe(true);
    }
    for (const foreign of ['acme', 'acme2_x', 'xacme_', 'ACME_x', 'eyJhbGciOiJub25lIn0.e30.']) {
      expect(one.recognizes(foreign)).toBe(false);
    }
  });

  it.each<[string, object, readonly string[]]>([
    ['no prefix', { prefix: undefined }, ['prefix']],
    ['a prefix in capitals', { prefix: 'ACME' }, ['prefix']],
    ['no keys', { keys: undefined }, ['keys']],
    ['no key', { keys: {} }, ['keys']],
    ['a list', { keys: [alice] }, ['keys[0]']],
    ['a key under the whole of it', { keys: { [made.key]: alice } }, ['keys[0]']],
    ['a key that is none', { keys: { [made.id]: 'x' } }, ['keys[0]']],
    ['a key for its hash', { keys: { [made.id]: { hash: made.key } } }, ['keys[0].hash']],
    [
      'all wrong with a key',
      {
        keys: { [made.id]: { hash: 7, subject: '', clientId: 1, scopes: 'a', expiresAt: NaN } },
      },
      ['scopes', 'clientId', 'subject', 'expiresAt', 'hash'].map((name) => `keys[0].${name}`),
    ],
    ['a header that is none', { header: 'x api key' }, ['header']],
    ['the Authorization header', { header: 'Authorization' }, ['header']],
    ['a timeout of 0', { timeoutSeconds: 0 }, ['timeoutSeconds']],
    ['an option that is none', { cacheSeconds: 5 }, ['cacheSeconds']],
  ])('cannot be built with %s, and shows no value of it', (_what, changes, paths) => {
    const good = { prefix: 'acme', keys: { [made.id]: alice } };
    expect(issuesOf(good)).toEqual([]);
    expect(issuesOf({ ...good, ...changes })).toEqual(paths.map((p) => `ApiKeyVerifier.${p}`));
    expect(() => new ApiKeyVerifier({ ...good, ...changes })).not.toThrow(made.key);
  });
});
