import { describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify } from 'jose';
import {
  clientAuthentication,
  credentialProblems,
  type AppCredentials,
} from './client-authentication.js';

const server = { issuer: 'https://idp.test', token_endpoint: 'https://idp.test/token' };

async function keyFor(alg: string, members: Partial<JWK> = {}): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), ...members };
}

/** What the authentication adds to a token request. */
async function added(credentials: AppCredentials) {
  const [body, headers] = [new URLSearchParams(), new Headers()];
  await clientAuthentication(credentials)(server, { client_id: 'app' }, body, headers);
  return { body: Object.fromEntries(body), authorization: headers.get('authorization') };
}

describe('client authentication at the upstream', () => {
  it.each<[string, Partial<AppCredentials>, string | null, Record<string, string>]>([
    ['a secret', { clientSecret: 's' }, `Basic ${btoa('app:s')}`, {}],
    [
      // As forms have them: a server that does not decode still knows a secret of base64url.
      'a secret with signs in it — RFC 6749 §2.3.1',
      { clientSecret: 'a-b_c.d*e f:g%+é~' },
      `Basic ${btoa('app:a-b_c.d*e+f%3Ag%25%2B%C3%A9%7E')}`,
      {},
    ],
    [
      'a secret in the form',
      { clientSecret: 's', clientAuthentication: 'client_secret_post' },
      null,
      { client_id: 'app', client_secret: 's' },
    ],
    ['nothing', {}, null, { client_id: 'app' }],
  ])('has %s', async (_name, credentials, authorization, body) => {
    expect(await added({ clientId: 'app', ...credentials })).toEqual({ authorization, body });
  });

  it.each([
    ['RS256', {}],
    ['RS512', { alg: 'RS512' }],
    ['PS256', { alg: 'PS256' }],
    ['ES256', {}],
    ['ES384', {}],
    ['ES512', {}],
    ['EdDSA', {}],
    ['EdDSA', { alg: 'EdDSA', kid: 'key-7' }],
  ])('signs an assertion with a key for %s — RFC 7523 §2.2', async (alg, members) => {
    const clientKey = await keyFor(alg, members);
    expect(credentialProblems({ clientId: 'app', clientKey })).toEqual([]);
    const { body, authorization } = await added({ clientId: 'app', clientKey });
    expect(authorization).toBeNull();
    expect(body).toMatchObject({
      client_id: 'app',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicKey } = clientKey;
    const { payload, protectedHeader } = await jwtVerify(
      body['client_assertion'] ?? '',
      await importJWK(publicKey, alg),
      { audience: server.issuer, issuer: 'app', subject: 'app' },
    );
    expect(protectedHeader).toEqual({ alg, ...('kid' in members && { kid: 'key-7' }) });
    expect(payload).toMatchObject({ jti: expect.any(String), exp: expect.any(Number) });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(60);
  });

  it('never signs the same assertion twice', async () => {
    const clientKey = await keyFor('ES256');
    const assertions = [await added({ clientId: 'app', clientKey })];
    assertions.push(await added({ clientId: 'app', clientKey }));
    const jtis = assertions.map(({ body }) => payloadOf(body['client_assertion'] ?? '')['jti']);
    expect(new Set(jtis).size).toBe(2);
  });
});

describe('credentialProblems', () => {
  it('finds a key that cannot sign, without showing it', async () => {
    const { d, ...publicKey } = await keyFor('ES256');
    const problems = credentialProblems({ clientId: 'app', clientKey: publicKey });
    expect(problems).toEqual([['clientKey', expect.stringContaining('private')]]);
    const small = { kty: 'oct', k: d ?? '' };
    const symmetric = credentialProblems({ clientId: 'app', clientKey: small });
    expect(symmetric.map(([option]) => option)).toEqual(['clientKey']);
    expect(JSON.stringify(symmetric)).not.toContain(d);
  });

  it('finds a key for another algorithm than it says', async () => {
    const clientKey = await keyFor('ES256', { alg: 'RS256' });
    expect(credentialProblems({ clientId: 'app', clientKey })).toEqual([
      ['clientKey', expect.stringContaining('alg')],
    ]);
  });

  it.each<[string, (key: JWK) => Partial<AppCredentials>]>([
    ['a key that is not used', (clientKey) => ({ clientKey, clientAuthentication: 'none' })],
    [
      'a key beside a secret',
      (clientKey) => ({
        clientKey,
        clientSecret: 's',
        clientAuthentication: 'client_secret_basic',
      }),
    ],
    [
      'a secret beside a key',
      (clientKey) => ({ clientKey, clientSecret: 's', clientAuthentication: 'private_key_jwt' }),
    ],
    ['no key', () => ({ clientAuthentication: 'private_key_jwt' })],
    ['an unknown method', () => ({ clientAuthentication: 'client_secret_jwt' as never })],
  ])('finds %s', async (_name, credentials) => {
    const problems = credentialProblems({
      clientId: 'app',
      ...credentials(await keyFor('ES256')),
    });
    expect(problems.map(([option]) => option)).toEqual(['clientAuthentication']);
  });
});

function payloadOf(jwt: string): Record<string, unknown> {
  const [, payload = ''] = jwt.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
