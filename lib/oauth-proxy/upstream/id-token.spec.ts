import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { SystemClock } from '../../common/clock.js';
import { UpstreamError } from '../../common/errors.js';
import { MultiAuthEvents } from '../../common/events.js';
import { assertSameLogin } from './id-token.js';
import { OidcUpstream } from './oidc.upstream.js';
import type { UpstreamGrant } from './upstream.js';

const issuer = 'https://idp.test';
const accessToken = 'an-access-token';
let key: CryptoKey;
let jwk: JWK;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  key = privateKey;
  jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
});

/** A login at a provider whose id_token has these claims beside the good ones. */
async function login(claims: Record<string, unknown>): Promise<UpstreamGrant> {
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: issuer, aud: 'app', sub: 'alice', nonce: 'n', iat: now, exp: now + 300 };
  const idToken = await new SignJWT({ ...good, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .sign(key);
  const answers: Record<string, unknown> = {
    '/.well-known/openid-configuration': {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      id_token_signing_alg_values_supported: ['ES256'],
    },
    '/jwks': { keys: [jwk] },
    '/token': { access_token: accessToken, token_type: 'Bearer', id_token: idToken },
  };
  const fetch = async (url: unknown): Promise<Response> =>
    Response.json(answers[new URL(String(url)).pathname]);
  const upstream = new OidcUpstream({ issuer, clientId: 'app', clientSecret: 's', fetch });
  upstream.start({
    baseUrl: 'https://as.test',
    clock: new SystemClock(),
    events: new MultiAuthEvents(),
  });
  return upstream.exchange({
    parameters: new URLSearchParams({ code: 'c', state: 's' }),
    state: 's',
    nonce: 'n',
    codeVerifier: 'v'.repeat(43),
    redirectUri: 'https://as.test/auth/callback',
    scopes: [],
  });
}

const hashOf = (text: string): string =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');

describe('the id_token of a login', () => {
  it.each([
    ['nothing special', {}],
    ['its app as the authorized party', { azp: 'app' }],
    ['its app among others', { aud: ['app', 'other'], azp: 'app' }],
    ['the longest subject', { sub: 'x'.repeat(255) }],
    ['the hash of the access token', { at_hash: hashOf(accessToken) }],
  ] as const)('is good with %s', async (_name, claims) => {
    const { identity } = await login(claims);
    expect(identity.subject).toBe('sub' in claims ? claims.sub : 'alice');
  });

  it.each([
    ['another authorized party', { azp: 'another-app' }],
    ['an authorized party that is empty', { azp: '' }],
    ['another authorized party among several', { aud: ['app', 'other'], azp: 'other' }],
    ['an empty subject', { sub: '' }],
    ['a subject too long', { sub: 'x'.repeat(256) }],
    ['no subject', { sub: undefined }],
    ['a subject that is no text', { sub: 7 }],
    ['the hash of another access token', { at_hash: hashOf('another') }],
    ['a hash that is no text', { at_hash: 5 }],
  ])('is refused with %s — OpenID Connect Core §2, §3.1.3.7, §3.1.3.8', async (_name, claims) => {
    const failure = await login(claims).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UpstreamError);
    expect((failure as UpstreamError).kind).toBe('refused');
  });
});

describe('the id_token of a refresh', () => {
  const expected = { issuer, clientId: 'app', subject: 'alice' };
  const good = { iss: issuer, aud: 'app', sub: 'alice' };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const look = (claims: object) => (): void =>
    assertSameLogin(`${part({ alg: 'ES256' })}.${part(claims)}.c2ln`, expected);

  it.each([
    ['about the same login', good],
    ['for several apps, this one among them', { ...good, aud: ['other', 'app'] }],
    ['of another time', { ...good, iat: 1, exp: 2 }],
    ['with a nonce', { ...good, nonce: 'x' }],
  ])('may be %s', (_name, claims) => {
    expect(look(claims)).not.toThrow();
  });

  it.each([
    ['another user', { ...good, sub: 'mallory' }],
    ['the same user in other letters', { ...good, sub: 'Alice' }],
    ['nobody', { iss: issuer, aud: 'app' }],
    ['a user of another issuer', { ...good, iss: 'https://evil.test' }],
    ['another app', { ...good, aud: 'other' }],
    ['other apps', { ...good, aud: ['other', 'another'] }],
    ['no app', { iss: issuer, sub: 'alice' }],
  ])('must not be about %s — OpenID Connect Core §12.2', (_name, claims) => {
    expect(look(claims)).toThrow(expect.objectContaining({ kind: 'refused' }));
  });

  it.each([undefined, '', 'x', 'a.b.c', 'e30.W10.x'])('may be no token at all: %s', (text) => {
    expect(() => assertSameLogin(text, expected)).not.toThrow();
  });
});
