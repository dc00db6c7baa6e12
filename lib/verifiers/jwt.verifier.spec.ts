import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CompactEncrypt, exportSPKI, importJWK, SignJWT } from 'jose';
import { FakeIssuer, fakeIssuerKey } from '../../test/support/fake-issuer.js';
import type { CryptoKey as KeyLike } from 'jose';
import type { FakeIssuerKey } from '../../test/support/fake-issuer.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { VerifierUnavailableError } from '../common/errors.js';
import { MultiAuthEvents } from '../common/events.js';
import type { VerifiedToken } from './access-token.js';
import { JwtVerifier } from './jwt.verifier.js';
import type { JwtVerifierOptions } from './jwt-verifier-options.js';
import { PresentedToken, SourceContext } from './source-context.js';
import { VerifierChain } from './verifier-chain.js';

const RESOURCE = 'https://mcp.example.com/mcp';
const issuer = new FakeIssuer();
let attacker: FakeIssuerKey;
let clock: ManualClock;
let verifier: JwtVerifier;

beforeAll(async () => {
  await issuer.start();
  attacker = await fakeIssuerKey('key-1');
});
afterAll(() => issuer.stop());
beforeEach(() => {
  issuer.reset();
  clock = new ManualClock();
  verifier = aVerifier();
});

type Change = Partial<Record<keyof JwtVerifierOptions, unknown>>;

function aVerifier(change: Change = {}): JwtVerifier {
  const options = { jwksUri: issuer.jwksUri, issuer: issuer.issuer, audience: RESOURCE, clock };
  return new JwtVerifier({ ...options, ...change } as JwtVerifierOptions);
}

/** The token's content, or the reason for its refusal. */
async function ask(
  token: string,
  one = verifier,
  resource = RESOURCE,
): Promise<VerifiedToken | string | undefined> {
  const context = new SourceContext(new PresentedToken(token, resource));
  return (await one.verifyToken(token, context)) ?? context.reason;
}

const sign = (claims: Record<string, unknown> = {}, header = {}, key?: FakeIssuerKey) =>
  issuer.sign({ aud: RESOURCE, ...claims }, header, key);

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const goodClaims = () => ({ iss: issuer.issuer, aud: RESOURCE, exp: clock.now() + 60, sub: 'u' });

describe('JwtVerifier', () => {
  it('accepts a token of its issuer, for its audience', async () => {
    const token = await sign({ scope: 'read write', tenant: 'acme' });
    expect(await ask(token)).toMatchObject({
      clientId: 'client-1',
      subject: 'user-1',
      issuer: issuer.issuer,
      scopes: ['read', 'write'],
      resource: RESOURCE,
      claims: { tenant: 'acme', aud: RESOURCE },
    });
    expect(await ask(token)).toMatchObject({ clientId: 'client-1' });
    expect(issuer.requests).toBe(1);
  });

  it('is accepted by a chain within its clock tolerance — AT-23', async () => {
    const options = { resource: RESOURCE, events: new MultiAuthEvents(), clock, timeoutSeconds: 5 };
    const chain = new VerifierChain([verifier], options);
    const expiredFor = async (seconds: number) =>
      chain.verify(await sign({ exp: clock.now() - seconds }));
    expect(await expiredFor(4)).toMatchObject({
      outcome: 'accepted',
      token: { subject: 'user-1' },
    });
    expect(await expiredFor(5)).toMatchObject({ reasons: [{ reason: 'expired' }] });
  });

  it('recognizes the JWTs of its issuers and nothing else', async () => {
    const recognizes = (token: string) =>
      verifier.recognizes(token, new SourceContext(new PresentedToken(token, RESOURCE)));
    expect(recognizes(await sign())).toBe(true);
    expect(recognizes(await sign({ iss: `${issuer.issuer}/` }))).toBe(false);
    expect(recognizes(await sign({ iss: [issuer.issuer] }))).toBe(false);
    expect(recognizes(await sign({ iss: undefined }))).toBe(false);
    expect(recognizes('opaque')).toBe(false);
  });

  it('refuses without a promise what cannot become valid', async () => {
    const token = await sign({ aud: 'https://other.example.com' });
    const context = new SourceContext(new PresentedToken(token, RESOURCE));
    expect(verifier.verifyToken(token, context)).toBeNull();
    expect(issuer.requests).toBe(0);
  });

  it('judges what is signed, whatever it was told the token looks like', async () => {
    const lied = { header: { alg: 'RS256' }, claims: goodClaims() };
    const verify = async (token: string) => {
      const context = {
        resource: RESOURCE,
        unverifiedJwt: lied,
        signal: new AbortController().signal,
        reason: undefined as string | undefined,
        reject(reason: string) {
          this.reason = reason;
          return null;
        },
      };
      return (await verifier.verifyToken(token, context)) ?? context.reason;
    };
    expect(await verify(await sign())).toMatchObject({ subject: 'user-1' });
    for (const claims of [
      { aud: 'other' },
      { iss: 'other' },
      { exp: clock.now() - 60 },
      { iat: clock.now() + 60 },
      { sub: 7 },
      { scope: 7 },
    ]) {
      expect(await verify(await sign(claims))).toEqual(expect.any(String));
    }
    expect(await verify(await sign({}, { typ: 'logout+jwt' }))).toBe('wrong_type');
  });

  describe('keys', () => {
    it.each([
      'RS256',
      'RS384',
      'RS512',
      'PS256',
      'PS384',
      'PS512',
      'ES256',
      'ES384',
      'ES512',
      'EdDSA',
      'Ed25519',
    ])('verifies %s with a public key', async (algorithm) => {
      const key = await fakeIssuerKey('k', algorithm);
      const one = aVerifier({
        jwksUri: undefined,
        publicKey: key.publicJwk,
        algorithms: [algorithm],
      });
      expect(await ask(await sign({}, {}, key), one)).toMatchObject({ clientId: 'client-1' });
      const other = await fakeIssuerKey('k', algorithm);
      expect(await ask(await sign({}, {}, other), one)).toBe('bad_signature');
    });

    it.each([
      ['HS256', 32],
      ['HS384', 48],
      ['HS512', 64],
    ])('verifies %s with a shared secret', async (algorithm, bytes) => {
      const secret = randomBytes(bytes).toString('hex');
      const one = aVerifier({ jwksUri: undefined, sharedSecret: secret, algorithms: [algorithm] });
      const signed = (key: string) =>
        new SignJWT(goodClaims()).setProtectedHeader({ alg: algorithm }).sign(Buffer.from(key));
      const [first, again] = await Promise.all([signed(secret), signed(secret)]);
      expect(await Promise.all([ask(first, one), ask(again, one)])).toMatchObject([
        { subject: 'u' },
        { subject: 'u' },
      ]);
      expect(await ask(await signed(randomBytes(bytes).toString('hex')), one)).toBe(
        'bad_signature',
      );
    });

    it('verifies with a public key in PEM', async () => {
      const key = issuer.keys.at(-1)?.publicJwk;
      const pem = await exportSPKI((await importJWK(key ?? {}, 'RS256')) as KeyLike);
      const one = aVerifier({ jwksUri: undefined, publicKey: pem });
      expect(await ask(await sign(), one)).toMatchObject({ clientId: 'client-1' });
    });

    it('refuses a token that someone else signed', async () => {
      expect(await ask(await sign({}, {}, attacker))).toBe('bad_signature');
    });

    it('refuses a token whose content was changed', async () => {
      const [header, payload, signature] = (await sign()).split('.');
      const claims = { ...goodClaims(), sub: 'admin' };
      expect(await ask(`${header}.${part(claims)}.${signature}`)).toBe('bad_signature');
      expect(await ask(`${header}.${payload}.`)).toBe('bad_signature');
      expect(await ask(`${header}.${payload}.${signature?.slice(0, -2)}`)).toBe('bad_signature');
    });

    it('refuses a token of an unknown key', async () => {
      expect(await ask(await sign({}, { kid: 'unknown' }))).toBe('unknown_key');
    });

    it('refuses a token without kid when several keys might fit — AT-12', async () => {
      const token = await sign({}, { kid: undefined });
      expect(await ask(token)).toMatchObject({ clientId: 'client-1' });
      const second = await fakeIssuerKey('second');
      issuer.document = { keys: [...issuer.keys.map((k) => k.publicJwk), second.publicJwk] };
      expect(await ask(token, aVerifier())).toBe('unknown_key');
      expect(await ask(await sign(), aVerifier())).toMatchObject({ clientId: 'client-1' });
    });

    it('uses the good key among bad ones — AT-13', async () => {
      const good = issuer.keys.map((k) => k.publicJwk);
      const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
      const bad = [
        { ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak' },
        { kty: 'oct', k: Buffer.from('x'.repeat(32)).toString('base64url'), kid: 'oct' },
        { ...attacker.publicJwk, kid: 'enc', use: 'enc' },
        { ...attacker.publicJwk, kid: 'ops', key_ops: ['encrypt'] },
        { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA', kid: 'exotic' },
        'garbage',
      ];
      issuer.document = { keys: [...bad, ...good] };
      expect(await ask(await sign())).toMatchObject({ clientId: 'client-1' });
      for (const kid of ['enc', 'ops', 'exotic', 'oct', 'weak']) {
        expect(await ask(await sign({}, { kid }, attacker))).toBe('unknown_key');
      }
    });

    it('has no verdict when the keys cannot be had — AT-14', async () => {
      issuer.mode = '500';
      await expect(ask(await sign())).rejects.toThrow(VerifierUnavailableError);
      clock.advance(5);
      issuer.mode = 'ok';
      expect(await ask(await sign())).toMatchObject({ clientId: 'client-1' });
    });

    it('fetches through what it was given', async () => {
      const urls: unknown[] = [];
      const one = aVerifier({
        fetch: (url: string, init: RequestInit) => {
          urls.push(url);
          return fetch(url, init);
        },
      });
      expect(await ask(await sign(), one)).toMatchObject({ clientId: 'client-1' });
      expect(urls).toEqual([issuer.jwksUri]);
    });

    it('stops accepting a key that was withdrawn — AT-15', async () => {
      const own = await new FakeIssuer().start();
      const one = aVerifier({ jwksUri: own.jwksUri });
      const token = await sign({ exp: clock.now() + 3600 }, {}, own.keys[0]);
      expect(await ask(token, one)).toMatchObject({ clientId: 'client-1' });
      await own.rotate();
      clock.advance(600);
      expect(await ask(token, one)).toBe('unknown_key');
      await own.stop();
    });
  });

  describe('algorithms', () => {
    it.each(['none', 'None', 'NONE', 'nOnE'])(
      'rejects alg %s in every case — AT-06',
      async (alg) => {
        const unsigned = `${part({ alg, typ: 'JWT' })}.${part(goodClaims())}`;
        expect(await ask(`${unsigned}.`)).toBe('algorithm_not_allowed');
        expect(await ask(`${unsigned}.c2ln`)).toBe('algorithm_not_allowed');
      },
    );

    it('rejects a token without alg and one with an empty signature — AT-06', async () => {
      expect(await ask(`${part({ typ: 'JWT' })}.${part(goodClaims())}.c2ln`)).toBe('malformed');
      expect(await ask(`${part({ alg: null })}.${part(goodClaims())}.`)).toBe('malformed');
      const kid = issuer.keys.at(-1)?.kid;
      expect(await ask(`${part({ alg: 'RS256', kid })}.${part(goodClaims())}.`)).toBe(
        'bad_signature',
      );
    });

    it('rejects a public key used as an HMAC secret, in every dress — AT-07', async () => {
      const jwk = issuer.keys.at(-1)?.publicJwk ?? {};
      const pem = await exportSPKI((await importJWK(jwk, 'RS256')) as KeyLike);
      const der = Buffer.from(pem.split('\n').slice(1, -2).join(''), 'base64');
      const secrets = [pem, pem.trim(), `\n${pem}`, `\uFEFF${pem}`, ` ${pem}`, JSON.stringify(jwk)];
      const fixed = aVerifier({ jwksUri: undefined, publicKey: pem });
      for (const secret of [...secrets.map((text) => Buffer.from(text)), der]) {
        const token = await new SignJWT(goodClaims())
          .setProtectedHeader({ alg: 'HS256', ...(jwk.kid && { kid: jwk.kid }) })
          .sign(secret);
        expect(await ask(token)).toBe('algorithm_not_allowed');
        expect(await ask(token, fixed)).toBe('algorithm_not_allowed');
      }
    });

    it.each(['PS256', 'RS512', 'RS384'])(
      'rejects %s, truly signed, when only RS256 is configured — AT-08',
      async (alg) => {
        const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
          format: 'jwk',
        });
        const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...open } = jwk;
        issuer.document = { keys: [{ ...open, kid: 'open' }] };
        const signed = async (algorithm: string) =>
          new SignJWT(goodClaims())
            .setProtectedHeader({ alg: algorithm, kid: 'open' })
            .sign(await importJWK({ ...jwk }, algorithm));
        expect(await ask(await signed(alg))).toBe('algorithm_not_allowed');
        expect(await ask(await signed('RS256'))).toMatchObject({ subject: 'u' });
        const both = aVerifier({ algorithms: ['RS256', alg] });
        expect(await ask(await signed(alg), both)).toMatchObject({ subject: 'u' });
      },
    );

    it.each(['ES256K', 'RS1', 'HS256', '', '__proto__', 'constructor'])(
      'rejects the alg %j from the header — AT-08',
      async (alg) => {
        expect(await ask(`${part({ alg })}.${part(goodClaims())}.c2ln`)).toBe(
          'algorithm_not_allowed',
        );
      },
    );
  });

  describe('headers', () => {
    it('ignores keys that the token brings or points to — AT-09', async () => {
      const own = attacker.publicJwk;
      const carried = [
        { jwk: own },
        { jku: issuer.strayUri },
        { x5u: issuer.strayUri },
        { x5c: ['MIIB'] },
        { jwk: own, jku: issuer.strayUri, x5u: issuer.strayUri, x5c: ['MIIB'], x5t: 'a' },
      ];
      for (const header of carried) {
        const kid = issuer.keys.at(-1)?.kid;
        expect(await ask(await sign({}, { ...header, kid }, attacker))).toBe('bad_signature');
        expect(await ask(await sign({}, { ...header, kid: undefined }, attacker))).toBe(
          'bad_signature',
        );
        expect(await ask(await sign({}, header))).toMatchObject({ clientId: 'client-1' });
      }
      expect(issuer.strayRequests).toBe(0);
    });

    it.each([
      '../../../dev/null',
      "' OR 1=1",
      'http://evil.test/key',
      '__proto__',
      'constructor',
      '\0',
      '',
    ])('finds no key for the kid %j — AT-10', async (kid) => {
      expect(await ask(await sign({}, { kid }, attacker))).toBe('unknown_key');
      expect(issuer.strayRequests).toBe(0);
    });

    it.each([7, ['key-1'], { key: 1 }, null, true, 'k'.repeat(257)])(
      'rejects the kid %j — AT-10',
      async (kid) => {
        const token = issuer.signText(
          JSON.stringify({ alg: 'RS256', kid }),
          JSON.stringify(goodClaims()),
        );
        expect(await ask(token)).toBe('malformed');
      },
    );

    it.each([
      ['crit that nobody knows', { crit: ['bork'], bork: 1 }],
      ['an empty crit', { crit: [] }],
      ['crit of a claim', { crit: ['exp'], exp: 1 }],
      ['crit that is no array', { crit: 'bork' }],
      ['crit that is null', { crit: null }],
      ['b64 with crit', { b64: false, crit: ['b64'] }],
      ['b64 without crit', { b64: false }],
      ['b64 that is true', { b64: true, crit: ['b64'] }],
    ])('rejects %s — AT-25', async (_what, header) => {
      const kid = issuer.keys.at(-1)?.kid;
      const signed = (extra: object) =>
        issuer.signText(
          JSON.stringify({ alg: 'RS256', kid, ...extra }),
          JSON.stringify(goodClaims()),
        );
      expect(await ask(signed(header))).toBe('malformed');
      expect(issuer.requests).toBe(0);
      expect(await ask(signed({ bork: 1 }))).toMatchObject({ subject: 'u' });
    });

    it('rejects a header with the same member twice — AT-28', async () => {
      const kid = issuer.keys.at(-1)?.kid;
      const twice = `{"alg":"none","alg":"RS256","kid":"${kid}"}`;
      expect(await ask(issuer.signText(twice, JSON.stringify(goodClaims())))).toBe('malformed');
    });

    it('takes the last of two claims with one name, as only the signer can write them — AT-28', async () => {
      const kid = issuer.keys.at(-1)?.kid;
      const header = JSON.stringify({ alg: 'RS256', kid });
      const claims = JSON.stringify(goodClaims());
      const expiredFirst = claims.replace('{', '{"exp":1,');
      const expiredLast = claims.replace('}', ',"exp":1}');
      expect(await ask(issuer.signText(header, expiredFirst))).toMatchObject({ subject: 'u' });
      expect(await ask(issuer.signText(header, expiredLast))).toBe('expired');
    });

    it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', 'jwt', undefined])(
      'accepts the typ %j by default — AT-19',
      async (typ) => {
        expect(await ask(await sign({}, { typ }))).toMatchObject({ clientId: 'client-1' });
      },
    );

    it.each(['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'id_token', '', 'none', 7, null])(
      'rejects the typ %j by default — AT-19',
      async (typ) => {
        const kid = issuer.keys.at(-1)?.kid;
        const header = JSON.stringify({ alg: 'RS256', kid, typ });
        expect(await ask(issuer.signText(header, JSON.stringify(goodClaims())))).toBe('wrong_type');
      },
    );

    it('accepts only the configured typ, and then demands one — AT-19', async () => {
      const strict = aVerifier({ typ: 'at+jwt' });
      expect(await ask(await sign({}, { typ: 'application/at+jwt' }), strict)).toMatchObject({
        clientId: 'client-1',
      });
      expect(await ask(await sign({}, { typ: 'JWT' }), strict)).toBe('wrong_type');
      expect(await ask(await sign({}, { typ: undefined }), strict)).toBe('wrong_type');
    });
  });

  describe('claims', () => {
    it('rejects every issuer but its own, compared exactly — AT-16', async () => {
      const { issuer: own } = issuer;
      const wrong = [
        undefined,
        '',
        `${own}/`,
        own.toUpperCase(),
        `${own}.evil.test`,
        own.slice(0, -1),
        [own],
        null,
        7,
        { toString: own },
      ];
      for (const iss of wrong) expect(await ask(await sign({ iss }))).toBe('wrong_issuer');
      expect(await ask(await sign({ iss: own }))).toMatchObject({ issuer: own });
    });

    it('accepts each of several issuers', async () => {
      const one = aVerifier({ issuer: ['https://a.example', 'https://b.example'] });
      expect(await ask(await sign({ iss: 'https://b.example' }), one)).toMatchObject({
        issuer: 'https://b.example',
      });
      expect(await ask(await sign(), one)).toBe('wrong_issuer');
    });

    it('rejects every audience but its own, compared exactly — AT-17', async () => {
      const wrong = [
        undefined,
        '',
        'https://mcp.example.com',
        'https://mcp.example.com/mc',
        `${RESOURCE}/`,
        `${RESOURCE}/x`,
        RESOURCE.toUpperCase(),
        'client-1',
        ['https://other.example.com'],
        [],
        [1, 2],
        [RESOURCE, 7],
        null,
        {},
      ];
      for (const aud of wrong) expect(await ask(await sign({ aud }))).toBe('wrong_audience');
    });

    it('without an audience takes what is for the very resource it is presented at — AT-17', async () => {
      const bound = aVerifier({ audience: undefined });
      const elsewhere = 'https://mcp.example.com/other';
      expect(bound.boundToResource).toBe(true);
      expect(verifier.boundToResource).toBe(false);
      expect(await ask(await sign(), bound)).toMatchObject({ resource: RESOURCE });
      expect(await ask(await sign(), bound, elsewhere)).toBe('wrong_audience');
      for (const aud of [undefined, `${RESOURCE}/`, 'https://mcp.example.com', 'client-1', []]) {
        expect(await ask(await sign({ aud }), bound)).toBe('wrong_audience');
      }
    });

    it('takes both spellings of a resource without a path, and names it by its own', async () => {
      const bound = aVerifier({ audience: undefined });
      const origin = 'https://mcp.example.com';
      for (const aud of [origin, `${origin}/`, ['x', `${origin}/`]]) {
        expect(await ask(await sign({ aud }), bound, origin)).toMatchObject({ resource: origin });
      }
      for (const aud of [`${origin}//`, `${origin}/mcp`, 'https://mcp.example.com.evil.test/']) {
        expect(await ask(await sign({ aud }), bound, origin)).toBe('wrong_audience');
      }
    });

    it('accepts a token for several audiences when its own is among them — AT-18', async () => {
      const token = await sign({ aud: ['https://other.example.com', RESOURCE] });
      expect(await ask(token)).toMatchObject({ resource: RESOURCE });
    });

    it('rejects the identity provider’s own tokens, meant for its client — AT-20', async () => {
      expect(await ask(await sign({ aud: 'my-app' }, { typ: 'JWT' }))).toBe('wrong_audience');
      const forApp = aVerifier({ audience: 'my-app' });
      expect(await ask(await sign({ aud: 'my-app' }), forApp)).toMatchObject({
        resource: 'my-app',
      });
    });

    it('rejects an expired token, with the tolerance configured — AT-23', async () => {
      const expiredFor = async (seconds: number, one = verifier) =>
        ask(await sign({ exp: clock.now() - seconds }), one);
      expect(await expiredFor(4)).toMatchObject({ clientId: 'client-1' });
      expect(await expiredFor(5)).toBe('expired');
      expect(await expiredFor(0, aVerifier({ clockToleranceSeconds: 0 }))).toBe('expired');
      expect(await expiredFor(-1, aVerifier({ clockToleranceSeconds: 0 }))).toMatchObject({
        clientId: 'client-1',
      });
      expect(await expiredFor(29, aVerifier({ clockToleranceSeconds: 30 }))).toMatchObject({
        clientId: 'client-1',
      });
      expect(await ask(await sign({ exp: 0 }))).toBe('expired');
    });

    it.each(['undefined', 'null', '"9999999999"', '1e400', '[9999999999]', '{}', 'true'])(
      'rejects the exp %s — AT-23',
      async (exp) => {
        const kid = issuer.keys.at(-1)?.kid;
        const claims = JSON.stringify({ ...goodClaims(), exp: undefined });
        const text = exp === 'undefined' ? claims : claims.replace('{', `{"exp":${exp},`);
        expect(await ask(issuer.signText(JSON.stringify({ alg: 'RS256', kid }), text))).toBe(
          'malformed',
        );
      },
    );

    it('rejects a token from the future — AT-24', async () => {
      for (const claim of ['nbf', 'iat']) {
        expect(await ask(await sign({ [claim]: clock.now() + 6 }))).toBe('not_yet_valid');
        expect(await ask(await sign({ [claim]: clock.now() + 5 }))).toMatchObject({
          clientId: 'client-1',
        });
        expect(await ask(await sign({ [claim]: undefined }))).toMatchObject({
          clientId: 'client-1',
        });
        expect(await ask(await sign({ [claim]: 'soon' }))).toBe('malformed');
      }
    });

    it.each(['', 7, null, ['user-1']])('rejects the subject %j', async (sub) => {
      expect(await ask(await sign({ sub }))).toBe('malformed');
    });

    it('accepts a token without a subject', async () => {
      const answer = (await ask(await sign({ sub: undefined }))) as VerifiedToken;
      expect(answer.subject).toBeUndefined();
      expect(answer.clientId).toBe('client-1');
    });

    it('rejects scopes it does not understand — AT-30', async () => {
      for (const scope of [7, null, ['read admin'], [['read']], { read: 1 }, 'read"']) {
        expect(await ask(await sign({ scope }))).toBe('malformed');
      }
      expect(await ask(await sign({ scope: 'read', scp: ['admin'] }))).toMatchObject({
        scopes: ['read'],
      });
      expect(await ask(await sign({ scp: ['read', 'write'] }))).toMatchObject({
        scopes: ['read', 'write'],
      });
    });

    it('rejects a token without its required scopes, matched exactly — AT-32, VC-19', async () => {
      const one = aVerifier({ requiredScopes: ['files:read', 'mcp'] });
      const withScope = async (scope?: string) => ask(await sign({ scope }), one);
      expect(await withScope('files:readonly mcp')).toBe('insufficient_scope');
      expect(await withScope('files:read')).toBe('insufficient_scope');
      expect(await withScope()).toBe('insufficient_scope');
      expect(await withScope('mcp files:read x')).toMatchObject({ clientId: 'client-1' });
    });

    it('judges the expiry before the scopes', async () => {
      const one = aVerifier({ requiredScopes: ['admin'] });
      expect(await ask(await sign({ exp: 1 }), one)).toBe('expired');
    });
  });

  describe('shapes', () => {
    it('never decrypts — AT-26', async () => {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const inner = Buffer.from(await sign());
      const jwe = await new CompactEncrypt(inner)
        .setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM', cty: 'JWT' })
        .encrypt(publicKey);
      expect(await ask(jwe)).toBe('malformed');
      const bomb = part({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2 ** 31, p2s: 'AAAA' });
      expect(await ask(`${bomb}.a.b.c.d`)).toBe('malformed');
      expect(await ask(`${bomb}.${part(goodClaims())}.c2ln`)).toBe('algorithm_not_allowed');
      expect(issuer.requests).toBe(0);
    });

    it('reads nothing but the compact form — AT-27', async () => {
      const [header, payload, signature] = (await sign()).split('.');
      const flattened = { protected: header, payload, signature };
      const general = { payload, signatures: [{ protected: header, signature }] };
      for (const json of [flattened, general]) {
        expect(await ask(JSON.stringify(json))).toBe('malformed');
        expect(await ask(part(json))).toBe('malformed');
      }
      expect(await ask(`${header}.${payload}`)).toBe('malformed');
      expect(await ask(`${header}.${payload}.${signature}.${signature}`)).toBe('malformed');
      expect(await ask(`${header}..${signature}`)).toBe('malformed');
      expect(await ask('')).toBe('malformed');
      expect(await ask('opaque')).toBe('malformed');
    });

    it('rejects what is longer than 16 KB before it is decoded — AT-36', async () => {
      const filled = async (length: number) => sign({ filler: 'x'.repeat(length) });
      expect((await ask(await filled(8000))) as VerifiedToken).toMatchObject({
        clientId: 'client-1',
      });
      expect(await ask(await filled(200_000))).toBe('malformed');
    });

    it('rejects deep and crowded headers without a fault — AT-36', async () => {
      const deep = `{"alg":"RS256","x":${'['.repeat(5000)}${']'.repeat(5000)}}`;
      const crowded: Record<string, unknown> = { alg: 'RS256' };
      for (let i = 0; i < 1000; i++) crowded[`f${i}`] = 1;
      for (const header of [deep, JSON.stringify(crowded)]) {
        const token = `${Buffer.from(header).toString('base64url')}.${part(goodClaims())}.c2ln`;
        expect(['bad_signature', 'unknown_key', 'malformed']).toContain(await ask(token));
      }
    });

    it('rejects every other spelling of the same signature — AT-38, VC-15', async () => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const token = await sign();
      const body = token.slice(0, -1);
      // 2048 bits leave 4 spare ones in the last character: 16 spellings, of which one is right.
      const last = alphabet.indexOf(token.slice(-1));
      expect(last % 16).toBe(0);
      for (let spare = 1; spare < 16; spare++) {
        expect(await ask(body + alphabet[last + spare])).toBe('malformed');
      }
      for (const more of ['=', '==', '\n', ' ']) expect(await ask(token + more)).toBe('malformed');
      expect(await ask(token)).toMatchObject({ clientId: 'client-1' });
    });

    it('answers every mutation of a good token with a refusal, never with a fault', async () => {
      const token = await sign({ scope: 'read' });
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: token.length - 1 }),
          fc.constantFrom('A', '.', '=', '-', '{', '\0', 'é', ''),
          async (at, replacement) => {
            const mutated = token.slice(0, at) + replacement + token.slice(at + 1);
            if (mutated !== token) expect(await ask(mutated)).toEqual(expect.any(String));
          },
        ),
        { numRuns: 200 },
      );
    });
  });

  it('has a name, scopes and a tolerance for the chain to see', () => {
    const one = aVerifier({ name: 'partners', requiredScopes: ['mcp'], clockToleranceSeconds: 7 });
    expect(one).toMatchObject({
      name: 'partners',
      requiredScopes: ['mcp'],
      clockToleranceSeconds: 7,
    });
    expect(verifier).toMatchObject({ name: 'JwtVerifier', requiredScopes: [] });
  });
});
