// JWTs of any of several issuers, whose keys are found by their metadata: VC, AT.
import { All, Controller } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccessToken,
  ConfigurationError,
  McpAuth,
  MultiAuthModule,
  type TokenVerifier,
  TrustedIssuersVerifier,
  type TrustedIssuersVerifierOptions,
} from '../../lib/index.js';
import { createApp, moduleOf, platforms, type RunningApp } from '../support/app.js';
import { FakeIssuer, type FakeIssuerMode } from '../support/fake-issuer.js';
import { FakeVerifier } from '../support/fake-sources.js';
import { ManualClock } from '../support/manual-clock.js';

const clock = new ManualClock();
let one: FakeIssuer;
let two: FakeIssuer;

beforeAll(async () => {
  one = await new FakeIssuer({ clock }).start();
  two = await new FakeIssuer({ clock }).start();
});

afterAll(() => Promise.all([one.stop(), two.stop()]));

afterEach(() => {
  one.reset();
  two.reset();
});

@Controller('mcp')
@McpAuth()
class WhoController {
  @All()
  who(@AccessToken() { source, issuer, subject }: AccessToken): object {
    return { source, issuer, subject };
  }
}

/** Says who got in (`issuer subject`), or the status. */
interface Door extends AsyncDisposable {
  readonly ask: (token: string) => Promise<string>;
  readonly app: RunningApp;
}

async function open(
  options: Partial<TrustedIssuersVerifierOptions> = {},
  others: readonly TokenVerifier[] = [],
  platform: (typeof platforms)[number] = 'express',
): Promise<Door> {
  const issuers = [one.issuer, two.issuer];
  const verifier = new TrustedIssuersVerifier({ issuers, audience: 'mcp', clock, ...options });
  const imports = [MultiAuthModule.forRoot({ verifiers: [...others, verifier] })];
  const app = await createApp(moduleOf({ imports, controllers: [WhoController] }), platform);
  return {
    app,
    ask: async (token) => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${app.url}/mcp`, { headers });
      if (response.status !== 200) return String(response.status);
      const { issuer, subject } = (await response.json()) as Record<string, string>;
      return `${issuer} ${subject}`;
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

const sign = (issuer: FakeIssuer, claims: Record<string, unknown> = {}) =>
  issuer.sign({ aud: 'mcp', ...claims });

describe.each(platforms)('JWTs of trusted issuers on %s', (platform) => {
  it('are accepted, each in the name of its own issuer — VC-07', async () => {
    await using door = await open({}, [], platform);
    expect(await door.ask(await sign(one))).toBe(`${one.issuer} user-1`);
    expect(await door.ask(await sign(two))).toBe(`${two.issuer} user-1`);
    expect([one.discoveries, one.requests, one.strayRequests]).toEqual([1, 1, 0]);
  });

  it('never speak for another of them — VC-07', async () => {
    await using door = await open({}, [], platform);
    for (const [from, as] of [
      [one, two],
      [two, one],
    ] as const) {
      expect(await door.ask(await sign(from))).toContain(from.issuer);
      expect(await door.ask(await sign(from, { iss: as.issuer }))).toBe('401');
      // Nor with the other one's kid.
      const kid = as.keys.at(-1)?.kid;
      const forged = await from.sign({ aud: 'mcp', iss: as.issuer }, { kid });
      expect(await door.ask(forged)).toBe('401');
    }
  });

  it('are refused of anyone else, who is not even called — AT-16, AT-09', async () => {
    const stranger = await new FakeIssuer({ clock }).start();
    await using door = await open({}, [], platform);
    for (const iss of [
      stranger.issuer,
      `${one.issuer}/`,
      `${one.issuer}.evil.test`,
      one.issuer.toUpperCase(),
      one.issuer.replace('http', 'https'),
      [one.issuer],
      undefined,
      '__proto__',
      'constructor',
      '',
    ]) {
      expect([iss, await door.ask(await sign(stranger, { iss }))]).toEqual([iss, '401']);
    }
    expect([stranger.discoveries, stranger.requests, stranger.strayRequests]).toEqual([0, 0, 0]);
    await stranger.stop();
  });

  it.each<[string, Record<string, unknown>]>([
    ['is for somebody else', { aud: 'another' }],
    ['is for nobody', { aud: undefined }],
    ['has expired', { exp: 1 }],
    ['lacks a scope', { scope: 'other' }],
  ])('are refused when one %s, before anything is fetched — AT-17, AT-23', async (_w, claims) => {
    await using door = await open({ requiredScopes: ['use'] }, [], platform);
    const bad = await sign(one, { scope: 'use', ...claims });
    expect(await door.ask(bad)).toBe('401');
    expect(one.discoveries).toBe(0);
    expect(await door.ask(await sign(one, { scope: 'use' }))).toContain('user-1');
  });
});

describe('an issuer', () => {
  it.each<FakeIssuerMode>(['500', 'hang', 'html', 'redirect', 'huge'])(
    'whose metadata endpoint answers with “%s” concerns nobody else — AT-14',
    async (mode) => {
      await using door = await open({ timeoutSeconds: mode === 'hang' ? 0.3 : undefined });
      one.discovery = mode;
      expect(await door.ask(await sign(one))).toBe('503');
      expect(await door.ask(await sign(two))).toContain(two.issuer);
      expect(one.strayRequests).toBe(0);
      if (mode === 'hang') return;
      // It is asked again after five seconds, and not before.
      one.discovery = 'ok';
      const before = one.discoveries;
      expect(await door.ask(await sign(one))).toBe('503');
      expect(one.discoveries).toBe(before);
      clock.advance(5);
      expect(await door.ask(await sign(one))).toContain(one.issuer);
    },
  );

  it.each<[string, () => Record<string, unknown>]>([
    ['are of another issuer', () => ({ issuer: two.issuer })],
    ['are of an issuer with a slash more', () => ({ issuer: `${one.issuer}/` })],
    ['name no issuer', () => ({ issuer: undefined })],
    ['name no keys', () => ({ jwks_uri: undefined })],
    ['name keys at no URL', () => ({ jwks_uri: '/jwks.json' })],
    ['name keys that are not text', () => ({ jwks_uri: [one.jwksUri] })],
    ['name keys over plain http', () => ({ jwks_uri: 'http://keys.test/jwks.json' })],
    ['name keys in a file', () => ({ jwks_uri: 'file:///etc/passwd' })],
  ])('whose metadata %s has no keys — VC-07, AT-14', async (_what, metadata) => {
    await using door = await open();
    one.metadata = metadata();
    expect(await door.ask(await sign(one))).toBe('503');
    expect(one.requests).toBe(0);
    one.metadata = {};
    clock.advance(5);
    expect(await door.ask(await sign(one))).toContain(one.issuer);
  });

  it('may publish the metadata of RFC 8414 instead', async () => {
    await using door = await open();
    one.metadataPath = '/.well-known/oauth-authorization-server';
    expect(await door.ask(await sign(one))).toContain(one.issuer);
    expect(one.discoveries).toBe(2);
  });

  it('is looked for once, however many wait for it — VC-28', async () => {
    await using door = await open();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => sign(one)));
    const answers = await Promise.all(tokens.map((token) => door.ask(token)));
    expect(new Set(answers)).toEqual(new Set([`${one.issuer} user-1`]));
    expect([one.discoveries, one.requests]).toEqual([1, 1]);
  });

  it('is looked for again after an hour, for which nobody waits — AT-15', async () => {
    await using door = await open();
    expect(await door.ask(await sign(one))).toContain(one.issuer);
    clock.advance(3599);
    expect(await door.ask(await sign(one))).toContain(one.issuer);
    expect(one.discoveries).toBe(1);
    clock.advance(1);
    one.discovery = 'hang';
    expect(await door.ask(await sign(one))).toContain(one.issuer);
    expect(one.discoveries).toBe(2);
  });

  it('keeps to its new keys when it has moved them', async () => {
    await using door = await open();
    expect(await door.ask(await sign(one))).toContain(one.issuer);
    clock.advance(3600);
    one.metadata = { jwks_uri: `${one.issuer}/moved.json` };
    expect(await door.ask(await sign(one))).toContain(one.issuer);
    // Whoever comes after the new document uses it.
    for (let tries = 0; tries < 300 && one.strayRequests === 0; tries++) {
      expect(await door.ask(await sign(one))).toContain(one.issuer);
    }
    expect(one.strayRequests).toBe(1);
  });
});

describe('an issuer that a function is asked about', () => {
  const tenantOf = (name: string) => `https://${name}.tenants.test`;

  /** Leads the tenants' host names to the fake issuer, which speaks for each. */
  const toFake = (called: string[]): typeof fetch => {
    return async (input, init) => {
      const url = new URL(input);
      called.push(url.href);
      if (url.pathname.startsWith('/.well-known/')) {
        const issuer = url.origin;
        return Response.json({ issuer, jwks_uri: `${issuer}/jwks.json` });
      }
      return fetch(one.jwksUri, init);
    };
  };

  it('is accepted when it says true, and nothing but true — AT-16', async () => {
    const answers: Record<string, unknown> = {
      [tenantOf('good')]: true,
      [tenantOf('bad')]: false,
      [tenantOf('text')]: 'true',
      [tenantOf('nothing')]: undefined,
    };
    for (const waits of [false, true]) {
      const called: string[] = [];
      const issuers = (iss: string) => {
        const answer = answers[iss] as boolean;
        return waits ? Promise.resolve(answer) : answer;
      };
      await using door = await open({ issuers, fetch: toFake(called) });
      for (const iss of Object.keys(answers)) {
        const wanted = iss === tenantOf('good') ? `${iss} user-1` : '401';
        expect([iss, await door.ask(await sign(one, { iss }))]).toEqual([iss, wanted]);
      }
      expect(called.every((url) => url.startsWith(tenantOf('good')))).toBe(true);
    }
  });

  it('must have an https URL before the function is asked at all — AT-09', async () => {
    const asked: string[] = [];
    const called: string[] = [];
    const issuers = (iss: string) => asked.push(iss) > 0;
    await using door = await open({ issuers, fetch: toFake(called) });
    for (const iss of [
      one.issuer,
      'http://tenants.test',
      'file:///etc/passwd',
      'https://user:secret@tenants.test',
      'https://tenants.test?x',
      'https://tenants.test/#x',
      'tenants.test',
      `https://tenants.test/${'x'.repeat(2048)}`,
      // What a pattern sees here is not what is called.
      'https://evil.test\\.tenants.test',
      'https://evil.test\\@tenants.test',
      'https://tenants.test/a/../evil',
      'https://tenants.test/a/%2e%2e/evil',
      'https://tenants\t.test',
      'https://tenants.test/a\nb',
      ' https://tenants.test',
      'https://TENANTS.test',
      'https://tenants.test:443',
      'https:tenants.test',
    ]) {
      expect([iss, await door.ask(await sign(one, { iss }))]).toEqual([iss, '401']);
    }
    expect([asked, called]).toEqual([[], []]);
    expect(await door.ask(await sign(one, { iss: tenantOf('a') }))).toContain('user-1');
    expect(asked).toEqual([tenantOf('a'), tenantOf('a')]);
  });

  it('is asked about again when no answer came in time — VC-28', async () => {
    let answer: Promise<boolean> = new Promise(() => {});
    const issuers = () => answer;
    await using door = await open({ issuers, fetch: toFake([]), timeoutSeconds: 0.3 });
    const token = await sign(one, { iss: tenantOf('slow') });
    expect(await door.ask(token)).toBe('503');
    answer = Promise.resolve(true);
    expect(await door.ask(token)).toContain('user-1');
  });

  it('is asked about once in a while, and never remembered as failed — VC-16', async () => {
    const asked: string[] = [];
    let answer: () => Promise<boolean> = () => Promise.resolve(false);
    const issuers = (iss: string) => {
      asked.push(iss);
      return answer();
    };
    await using door = await open({ issuers, fetch: toFake([]) });
    const token = await sign(one, { iss: tenantOf('late') });
    expect([await door.ask(token), await door.ask(token), asked.length]).toEqual(['401', '401', 1]);
    clock.advance(10);
    answer = () => Promise.reject(new Error('no database'));
    expect([await door.ask(token), await door.ask(token)]).toEqual(['503', '503']);
    answer = () => Promise.resolve(true);
    expect(await door.ask(token)).toContain('user-1');
    const before = asked.length;
    expect(await door.ask(token)).toContain('user-1');
    expect(asked).toHaveLength(before);
    // A tenant that is gone is gone a minute later.
    answer = () => Promise.resolve(false);
    clock.advance(60);
    expect(await door.ask(token)).toBe('401');
  });

  it('is not pushed out by a crowd of others — VC-16', async () => {
    const called: string[] = [];
    const options = { issuers: () => true, maxIssuers: 2, fetch: toFake(called) };
    await using door = await open(options);
    const used = await sign(one, { iss: tenantOf('used') });
    expect(await door.ask(used)).toContain('user-1');
    for (let i = 0; i < 10; i++) {
      expect(await door.ask(await two.sign({ aud: 'mcp', iss: tenantOf(`no-${i}`) }))).toBe('401');
    }
    const before = called.length;
    expect(await door.ask(used)).toContain('user-1');
    expect(called).toHaveLength(before);
  });

  it('is looked for among twenty at most, so that a crowd of tokens is no crowd of calls — VC-28', async () => {
    const called: string[] = [];
    const hang: typeof fetch = (url) => {
      called.push(url as string);
      return new Promise(() => {});
    };
    await using door = await open({ issuers: () => true, fetch: hang, timeoutSeconds: 0.5 });
    const tokens = await Promise.all(
      Array.from({ length: 30 }, (_, i) => sign(one, { iss: tenantOf(`t${i}`) })),
    );
    const answers = await Promise.all(tokens.map((token) => door.ask(token)));
    expect(new Set(answers)).toEqual(new Set(['503']));
    expect(called).toHaveLength(20);
  });

  it('is not taken for broken because twenty others are looked for — AT-14, VC-28', async () => {
    const answer = toFake([]);
    const waiting: (() => void)[] = [];
    const slow: typeof fetch = async (url, init) => {
      const { host, pathname } = new URL(url);
      const isHeld = host.startsWith('slow') && pathname.startsWith('/.well-known/');
      if (isHeld) await new Promise<void>((done) => waiting.push(done));
      return answer(url, init);
    };
    await using door = await open({ issuers: () => true, fetch: slow });
    const crowd = await Promise.all(
      Array.from({ length: 20 }, (_, i) => sign(one, { iss: tenantOf(`slow-${i}`) })),
    );
    const answers = crowd.map((token) => door.ask(token));
    while (waiting.length < 20) await new Promise((done) => setTimeout(done, 5));
    const last = await sign(one, { iss: tenantOf('last') });
    expect(await door.ask(last)).toBe('503');
    for (const done of waiting) done();
    for (const who of await Promise.all(answers)) expect(who).toContain('user-1');
    expect(await door.ask(last)).toContain('user-1');
  });

  it('is asked alone about its tokens once it is known — VC-27', async () => {
    const loose = new FakeVerifier({ name: 'loose' });
    const options = { issuers: async () => true, fetch: toFake([]) };
    await using door = await open(options, [loose]);
    const token = await sign(one, { iss: tenantOf('a') });
    expect(await door.ask(token)).toContain('user-1');
    const before = loose.asked.length;
    expect(await door.ask(await two.sign({ aud: 'mcp', iss: tenantOf('a') }))).toBe('401');
    expect(await door.ask(token)).toContain('user-1');
    expect(loose.asked).toHaveLength(before);
  });
});

describe('a verifier of trusted issuers', () => {
  const good = { issuers: ['https://a.test', 'http://127.0.0.1:1'], audience: 'mcp' };
  const issuesOf = (options: object): readonly string[] => {
    try {
      void new TrustedIssuersVerifier(options as TrustedIssuersVerifierOptions);
      return [];
    } catch (thrown) {
      return (thrown as ConfigurationError).issues.map(({ path }) => path);
    }
  };

  it.each<[object, string]>([
    [{ issuers: undefined }, 'issuers'],
    [{ issuers: [] }, 'issuers'],
    [{ issuers: 'https://a.test' }, 'issuers'],
    [{ issuers: ['https://a.test', 'http://b.test'] }, 'issuers[1]'],
    [{ issuers: ['https://u:p@a.test'] }, 'issuers[0]'],
    [{ issuers: ['https://a.test?tenant=1'] }, 'issuers[0]'],
    [{ issuers: ['a.test'] }, 'issuers[0]'],
    [{ issuers: ['https://a.test/b/../c'] }, 'issuers[0]'],
    [{ algorithms: ['HS256'] }, 'algorithms'],
    [{ algorithms: [] }, 'algorithms'],
    [{ audience: '' }, 'audience'],
    [{ maxIssuers: 5 }, 'maxIssuers'],
    [{ issuers: () => true, maxIssuers: 0 }, 'maxIssuers'],
    [{ clockToleranceSeconds: 31 }, 'clockToleranceSeconds'],
    [{ timeoutSeconds: 0 }, 'timeoutSeconds'],
    [{ fetch: 'fetch' }, 'fetch'],
    [{ jwksUri: 'https://a.test/jwks' }, 'jwksUri'],
  ])('does not come to be with %j — VC-12, AT-07', (changes, option) => {
    expect(issuesOf(good)).toEqual([]);
    expect(issuesOf({ ...good, ...changes })).toEqual([`TrustedIssuersVerifier.${option}`]);
  });

  it('is bound to the resource without an audience — AT-17', () => {
    const { issuers } = good;
    expect(new TrustedIssuersVerifier({ issuers }).boundToResource).toBe(true);
    expect(new TrustedIssuersVerifier(good).boundToResource).toBe(false);
  });
});
