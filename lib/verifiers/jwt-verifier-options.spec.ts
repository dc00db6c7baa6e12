import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../common/errors.js';
import { resolveJwtVerifierOptions } from './jwt-verifier-options.js';
import type { JwtVerifierOptions } from './jwt-verifier-options.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const jwkOf = (curve: string) =>
  generateKeyPairSync('ec', { namedCurve: curve }).publicKey.export({ format: 'jwk' });
const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const secretOf = (bytes: number) => randomBytes(bytes).toString('base64').slice(0, bytes);

const base = { issuer: 'https://idp.example.com', audience: 'https://mcp.example.com/mcp' };
const jwksUri = 'https://idp.example.com/jwks.json';

function issuesOf(options: unknown): readonly string[] {
  try {
    resolveJwtVerifierOptions(options as JwtVerifierOptions);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ConfigurationError)) throw thrown;
    return thrown.issues.map((issue) => issue.path.replace('JwtVerifier.', ''));
  }
}

const algorithmsOf = (options: Partial<JwtVerifierOptions>) =>
  resolveJwtVerifierOptions({ ...base, ...options }).policy.algorithms;

describe('resolveJwtVerifierOptions', () => {
  it('fills in the defaults', () => {
    expect(resolveJwtVerifierOptions({ ...base, jwksUri })).toMatchObject({
      name: 'JwtVerifier',
      policy: {
        issuers: [base.issuer],
        audiences: [base.audience],
        algorithms: ['RS256'],
        types: ['application/at+jwt', 'application/jwt', 'none'],
        requiredScopes: [],
        clockToleranceSeconds: 5,
      },
    });
  });

  it('names everything that is wrong at once — CF-03', () => {
    const options = {
      jwksUri: 'http://idp.example.com/jwks.json',
      audience: '',
      algorithms: ['none'],
      clockToleranceSeconds: 31,
      requiredScopes: 'read',
      typ: [],
      name: '',
      fetch: 'x',
      isuer: 'https://idp.example.com',
    };
    expect([...issuesOf(options)].sort()).toEqual(
      [
        'algorithms',
        'audience',
        'clockToleranceSeconds',
        'fetch',
        'issuer',
        'isuer',
        'jwksUri',
        'name',
        'requiredScopes',
        'typ',
      ].sort(),
    );
  });

  it.each(['issuer', 'audience'])('needs a usable %s — AT-17, CF-03', (option) => {
    for (const value of [null, '', ' ', [], [''], ['a', undefined], 7, {}]) {
      expect(issuesOf({ ...base, jwksUri, [option]: value })).toEqual([option]);
    }
    expect(issuesOf({ ...base, jwksUri, [option]: ['a', 'b'] })).toEqual([]);
  });

  it('needs the issuer, and is bound to the resource without an audience', () => {
    expect(issuesOf({ ...base, jwksUri, issuer: undefined })).toEqual(['issuer']);
    const audience = undefined;
    const resolved = resolveJwtVerifierOptions({ ...base, jwksUri, audience });
    expect(resolved).toMatchObject({ boundToResource: true, policy: { audiences: [] } });
    expect(resolveJwtVerifierOptions({ ...base, jwksUri }).boundToResource).toBe(false);
  });

  it('needs exactly one source of keys', () => {
    expect(issuesOf(base)).toEqual(['jwksUri']);
    expect(issuesOf({ ...base, jwksUri: undefined })).toEqual(['jwksUri']);
    expect(issuesOf({ ...base, jwksUri, publicKey: pem })).toEqual(['jwksUri']);
    expect(issuesOf({ ...base, publicKey: pem, sharedSecret: secretOf(32) })).toEqual(['jwksUri']);
    expect(issuesOf({ ...base, jwksUri, sharedSecret: undefined })).toEqual([]);
  });

  it.each([
    'http://idp.example.com/jwks.json',
    'http://localhost.evil.test/jwks.json',
    'https://user:password@idp.example.com/jwks.json',
    'ftp://idp.example.com/jwks.json',
    'file:///etc/jwks.json',
    '/jwks.json',
    '',
    7,
    null,
  ])('refuses the JWKS URI %j', (uri) => {
    expect(issuesOf({ ...base, jwksUri: uri })).toEqual(['jwksUri']);
  });

  it.each(['http://127.0.0.1:3000/jwks', 'http://localhost/jwks', 'http://[::1]:80/jwks', jwksUri])(
    'takes the JWKS URI %s',
    (uri) => {
      expect(issuesOf({ ...base, jwksUri: uri })).toEqual([]);
    },
  );

  it.each<[string, object]>([
    ['none', { jwksUri, algorithms: ['none'] }],
    ['None among others', { jwksUri, algorithms: ['RS256', 'None'] }],
    ['an empty list', { jwksUri, algorithms: [] }],
    ['a text', { jwksUri, algorithms: 'RS256' }],
    ['null', { jwksUri, algorithms: null }],
    ['an unknown one', { jwksUri, algorithms: ['RS1'] }],
    ['one for encryption', { jwksUri, algorithms: ['RSA-OAEP'] }],
    ['HS256 with a JWKS', { jwksUri, algorithms: ['HS256'] }],
    ['a mixture', { jwksUri, algorithms: ['RS256', 'HS256'] }],
    ['HS256 with a public key', { publicKey: pem, algorithms: ['HS256'] }],
    ['none with a public key', { publicKey: pem, algorithms: ['none'] }],
    ['RS256 with a secret', { sharedSecret: secretOf(64), algorithms: ['RS256'] }],
    ['a mixture with a secret', { sharedSecret: secretOf(64), algorithms: ['HS256', 'ES256'] }],
    ['none with a secret', { sharedSecret: secretOf(64), algorithms: ['none'] }],
    ['ES256 with an RSA key', { publicKey: pem, algorithms: ['ES256'] }],
    ['ES384 with a key on P-256', { publicKey: jwkOf('P-256'), algorithms: ['ES256', 'ES384'] }],
  ])('refuses for algorithms: %s — CF-03', (_what, options) => {
    expect(new Set(issuesOf({ ...base, ...options }))).toEqual(new Set(['algorithms']));
  });

  it('takes the algorithm from a public key that has only one', () => {
    expect(algorithmsOf({ publicKey: pem })).toEqual(['RS256']);
    expect(algorithmsOf({ publicKey: jwkOf('P-256') })).toEqual(['ES256']);
    expect(algorithmsOf({ publicKey: jwkOf('P-384') })).toEqual(['ES384']);
    expect(algorithmsOf({ publicKey: jwkOf('P-521') })).toEqual(['ES512']);
    expect(algorithmsOf({ publicKey: ed25519 })).toEqual(['EdDSA', 'Ed25519']);
    const rsaJwk = { ...rsa.publicKey.export({ format: 'jwk' }), alg: 'PS384' };
    expect(algorithmsOf({ publicKey: rsaJwk })).toEqual(['PS384']);
    expect(algorithmsOf({ publicKey: pem, algorithms: ['PS256', 'RS512'] })).toEqual([
      'PS256',
      'RS512',
    ]);
  });

  it.each<[string, unknown]>([
    ['a private key', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['a private JWK', rsa.privateKey.export({ format: 'jwk' })],
    [
      'RSA with 1024 bits',
      generateKeyPairSync('rsa', { modulusLength: 1024 })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
    ],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }],
    ['a key for encryption', { ...ed25519, use: 'enc' }],
    ['what is no key', 'key'],
    ['nothing', ''],
    ['null', null],
  ])('refuses for a public key: %s', (_what, publicKey) => {
    expect(issuesOf({ ...base, publicKey })).toEqual(['publicKey']);
  });

  it.each([
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ])('needs a secret as long as the hash for %s — AT-43', (algorithm, bytes) => {
    const withSecret = (length: number) => ({
      ...base,
      algorithms: [algorithm],
      sharedSecret: secretOf(length),
    });
    expect(issuesOf(withSecret(bytes - 1))).toEqual(['sharedSecret']);
    expect(issuesOf(withSecret(bytes))).toEqual([]);
  });

  it('needs a secret as long as the longest hash of several — AT-43', () => {
    const algorithms = ['HS256', 'HS512'];
    expect(issuesOf({ ...base, algorithms, sharedSecret: secretOf(63) })).toEqual(['sharedSecret']);
  });

  it.each([
    ['nothing', ''],
    ['a number', 7],
    ['null', null],
    ['a placeholder', 'please-change-me-please-change-me-please'],
    ['one letter, repeated', 'a'.repeat(64)],
    ['a public key', pem],
    ['a public key after a byte order mark', `\uFEFF\n ${pem}`],
    ['a JWK', JSON.stringify(rsa.publicKey.export({ format: 'jwk' }))],
  ])('refuses for a shared secret: %s — AT-07, AT-43', (_what, sharedSecret) => {
    expect(issuesOf({ ...base, sharedSecret })).toEqual(['sharedSecret']);
  });

  it.each([-1, 31, NaN, Infinity, '5', null])('refuses a clock tolerance of %s', (seconds) => {
    expect(issuesOf({ ...base, jwksUri, clockToleranceSeconds: seconds })).toEqual([
      'clockToleranceSeconds',
    ]);
    for (const good of [0, 30]) {
      expect(issuesOf({ ...base, jwksUri, clockToleranceSeconds: good })).toEqual([]);
    }
  });

  it('never repeats a value in a problem — CF-01', () => {
    const sharedSecret = 'short-secret';
    const audience = ['value-of-audience', ''];
    try {
      resolveJwtVerifierOptions({ ...base, audience, sharedSecret });
      expect('no error').toBe('an error');
    } catch (thrown) {
      expect((thrown as Error).message).not.toMatch(/short-secret|value-of-audience/);
    }
  });

  it('is not changed by what happens to the options later — CF-10', () => {
    const audience = ['a'];
    const algorithms = ['RS256'];
    const { policy } = resolveJwtVerifierOptions({ ...base, audience, jwksUri, algorithms });
    audience.push('b');
    algorithms.push('PS256');
    expect(policy).toMatchObject({ audiences: ['a'], algorithms: ['RS256'] });
  });
});
