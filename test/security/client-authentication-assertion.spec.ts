// Security matrix CA and CI: clients that prove who they are by a JWT (RFC 7523), right and wrong ones.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ConfiguredClient, MultiAuthEvents } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { assertionType, type Changes, ClientSigner } from '../support/client-signer.js';
import { ManualClock } from '../support/manual-clock.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  clientRedirect,
  type HeldCode,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const families = ['RS', 'PS', 'ES'];
const algorithms = families.flatMap((f) => [`${f}256`, `${f}384`, `${f}512`]).concat('EdDSA');
const secret = 'a-secret-of-the-confidential-client-9Zt4';
const client: TestClient = { id: 'signing-client', redirectUri: clientRedirect };
const rotating: TestClient = { id: 'client-of-two-keys', redirectUri: clientRedirect };
const stranger: TestClient = { id: 'another-signing-client', redirectUri: clientRedirect };
let idp: UpstreamIdp;
let signer: ClientSigner;
let second: ClientSigner;
let strangersSigner: ClientSigner;
let signers: Map<string, ClientSigner>;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  signer = await ClientSigner.create('ES256', 'first');
  second = await ClientSigner.create('ES256', 'second');
  strangersSigner = await ClientSigner.create('ES256', 'first');
  signers = new Map(
    await Promise.all(
      algorithms.map(async (alg) => [alg, await ClientSigner.create(alg)] as const),
    ),
  );
});

afterAll(() => idp.stop());

const configured = (
  { id, redirectUri }: TestClient,
  ...keys: ClientSigner[]
): ConfiguredClient => ({
  clientId: id,
  redirectUris: [redirectUri],
  tokenEndpointAuthMethod: 'private_key_jwt',
  jwks: { keys: keys.map(({ key }) => key.publicJwk) },
});

function clients(): ConfiguredClient[] {
  return [
    configured(client, signer),
    configured(rotating, signer, second),
    configured(stranger, strangersSigner),
    ...[...signers].map(([alg, one]) => configured({ ...client, id: alg }, one)),
    { clientId: 'public-client', redirectUris: [clientRedirect] },
    { clientId: 'basic-client', redirectUris: [clientRedirect], clientSecret: secret },
    {
      clientId: 'post-client',
      redirectUris: [clientRedirect],
      clientSecret: secret,
      tokenEndpointAuthMethod: 'client_secret_post',
    },
  ];
}

describe.each(platforms)('client assertions on %s', (platform) => {
  const clock = new ManualClock();
  const events: string[] = [];
  let flow: ProxyFlow;
  let held: HeldCode;

  beforeAll(async () => {
    for (const one of [signer, second, strangersSigner, ...signers.values()]) {
      one.now = () => clock.now();
    }
    // What is counted is stored; see client-authentication-limits.
    const rateLimits = { failedAuthentications: false } as const;
    flow = await startFlow({ idp, platform, clock, proxy: { clients: clients(), rateLimits } });
    const bus = flow.app.app.get(MultiAuthEvents, { strict: false });
    for (const name of ['client_assertion.refused', 'client_assertion.replayed'] as const) {
      bus.on(name, (event) => events.push(`${name} ${JSON.stringify(event)}`));
    }
    held = await flow.codeFor(client);
  });

  afterAll(() => flow.close());

  const tokenUrl = (): string => `${flow.issuer}/token`;
  const redeem = (code: HeldCode, proof: Readonly<Record<string, string>>): Promise<Answer> =>
    flow.token(flow.tokenRequest(code).without('client_secret').with(proof));
  const proof = (claims?: Changes, header?: Changes) =>
    signer.proof(client.id, tokenUrl(), claims, header);
  const withAssertion = (client_assertion: string) => ({
    client_assertion_type: assertionType,
    client_assertion,
  });

  const refused = (answer: Answer): void => {
    expectTokenError(answer, flow, 'invalid_client', 401);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(jsonOf(answer)).toMatchObject({ error_description: 'Client authentication failed.' });
  };

  /** Every proof is refused, leaves nothing behind, and the right one is taken in the end. */
  async function expectAllRefused(proofs: readonly Readonly<Record<string, string>>[]) {
    await expectStoreUntouched(flow, async () => {
      for (const wrong of proofs) refused(await redeem(held, wrong));
    });
    tokensOf(await redeem(held, proof()));
    held = await flow.codeFor(client);
  }

  it.each(algorithms)('lets a client in that signs with %s, for its whole life', async (alg) => {
    const own = { ...client, id: alg };
    const one = signers.get(alg) as ClientSigner;
    const { access_token, refresh_token } = tokensOf(
      await redeem(await flow.codeFor(own), one.proof(alg, tokenUrl())),
    );
    expect(await flow.isAccepted(access_token)).toBe(true);
    const form = flow.refreshRequest(refresh_token, own).with(one.proof(alg, tokenUrl()));
    const next = tokensOf(await flow.token(form));
    const revocation = { token: next.access_token, client_id: alg };
    const answer = await flow.send('/revoke', {
      form: { ...revocation, ...one.proof(alg, `${flow.issuer}/revoke`) },
    });
    expect(answer.status).toBe(200);
    expect(await flow.isAccepted(next.access_token)).toBe(false);
  });

  it('says in its metadata what it takes', async () => {
    const answer = await flow.send(`${flow.issuer}/.well-known/oauth-authorization-server`);
    const metadata = jsonOf(answer) as Record<string, unknown>;
    for (const endpoint of ['token', 'revocation']) {
      expect(metadata[`${endpoint}_endpoint_auth_methods_supported`]).toContain('private_key_jwt');
      expect(metadata[`${endpoint}_endpoint_auth_signing_alg_values_supported`]).toEqual(
        algorithms,
      );
    }
  });

  it('takes the client from the assertion where the form names none — RFC 7521 §4.2', async () => {
    const form = flow.tokenRequest(held).without('client_id').with(proof());
    tokensOf(await flow.token(form));
    held = await flow.codeFor(client);
  });

  it.each([
    ['without typ', {}],
    ['of typ JWT', { typ: 'JWT' }],
    ['of its own typ', { typ: 'client-authentication+jwt' }],
  ])('takes an assertion %s — CA-17', async (_name, header) => {
    tokensOf(await redeem(held, proof({}, header)));
    held = await flow.codeFor(client);
  });

  it('refuses no proof, a secret, and the assertion of another client — CI-32', async () => {
    await expectAllRefused([
      {},
      { client_secret: 'x' },
      { client_secret: secret },
      strangersSigner.proof(stranger.id, tokenUrl()),
      strangersSigner.proof(client.id, tokenUrl()),
      signer.proof(stranger.id, tokenUrl()),
    ]);
    const both = { ...proof(), client_secret: secret };
    expectTokenError(await redeem(held, both), flow, 'invalid_request');
    const authorization = `Basic ${Buffer.from(`${client.id}:x`).toString('base64')}`;
    const basic = await flow.token(flow.tokenRequest(held), { authorization });
    expectTokenError(basic, flow, 'invalid_client', 401);
    tokensOf(await redeem(held, proof()));
    held = await flow.codeFor(client);
  });

  it('refuses an assertion from clients of every other method — CA-03', async () => {
    for (const id of ['public-client', 'basic-client', 'post-client']) {
      const code = await flow.codeFor({ ...client, id });
      await expectStoreUntouched(flow, async () => {
        refused(await redeem(code, signer.proof(id, tokenUrl())));
        const anonymous = flow.tokenRequest(code).without('client_id');
        refused(await flow.token(anonymous.with(signer.proof(id, tokenUrl()))));
      });
      const headers =
        id === 'basic-client'
          ? { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
          : {};
      const own = id === 'post-client' ? { client_secret: secret } : {};
      tokensOf(await flow.token(flow.tokenRequest(code).with(own), headers));
    }
  });

  it('refuses an assertion of another type, and half of a proof — CA-17', async () => {
    const { client_assertion } = proof();
    const saml = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer';
    await expectAllRefused([
      { client_assertion },
      { client_assertion_type: assertionType },
      ...[saml, 'jwt-bearer', `${assertionType} `, assertionType.toUpperCase()].map((type) => ({
        client_assertion,
        client_assertion_type: type,
      })),
    ]);
  });

  it('refuses wrong algorithms and signatures — CA-17', async () => {
    const { assertion } = { assertion: proof().client_assertion };
    const [header = '', payload = '', signature = ''] = assertion.split('.');
    const encoded = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const none = `${encoded({ alg: 'none' })}.${payload}.`;
    const hmac = (secretText: string): string => {
      const input = `${encoded({ alg: 'HS256', kid: 'first' })}.${payload}`;
      return `${input}.${createHmac('sha256', secretText).update(input).digest('base64url')}`;
    };
    const last = signature.at(-1) === 'A' ? 'B' : 'A';
    const { publicJwk } = signer.key;
    await expectAllRefused(
      [
        none,
        `${none}${signature}`,
        hmac(JSON.stringify(publicJwk)),
        hmac(String(publicJwk.x)),
        hmac(''),
        ...['ES384', 'RS256', 'PS256', 'EdDSA', 'Ed25519', 'ES256K', 'es256', ''].map((alg) =>
          signer.assertion(client.id, tokenUrl(), {}, { alg }),
        ),
        `${header}.${payload}.`,
        `${header}.${payload}`,
        `${header}.${payload}.${signature.slice(0, -4)}`,
        `${header}.${payload}.A${signature.slice(1, -1)}${last}`,
        // The same signature in another spelling of base64url.
        `${header}.${payload}.${signature}=`,
        `${header}.${payload}.${signature.slice(0, -1)}${looser(signature.at(-1) ?? '')}`,
        `${header}.${encoded({ iss: client.id, sub: client.id })}.${signature}`,
        `${assertion}.${signature}`,
        `${assertion}.x.y`,
        JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
        ` ${assertion}`,
        'a.b.c',
        '..',
        'x',
        'x'.repeat(8000),
      ].map(withAssertion),
    );
  });

  it('refuses wrong headers — CA-17', async () => {
    const payload = {
      iss: client.id,
      sub: client.id,
      aud: tokenUrl(),
      jti: 'j',
      exp: clock.now() + 60,
    };
    const twice = '{"alg":"ES256","kid":"first","kid":"first"}';
    const literal = ['null', '[]', '"x"', '7', '', '{', twice].map((header) =>
      withAssertion(signer.signed(header, payload)),
    );
    const { publicJwk } = strangersSigner.key;
    await expectAllRefused([
      ...literal,
      ...[
        { typ: 'at+jwt' },
        { typ: 'dpop+jwt' },
        { typ: '' },
        { typ: 7 },
        { typ: null },
        { crit: ['exp'] },
        { crit: [] },
        { b64: true },
        { b64: false, crit: ['b64'] },
        { kid: 'second' },
        { kid: '' },
        { kid: 7 },
        { kid: null },
        { kid: 'k'.repeat(300) },
        { alg: null },
        { alg: ['ES256'] },
      ].map((header) => proof({}, header)),
      // Keys that the assertion brings along or points to are not even looked at.
      withAssertion(strangersSigner.assertion(client.id, tokenUrl(), {}, { jwk: publicJwk })),
      withAssertion(strangersSigner.assertion(client.id, tokenUrl(), {}, { jku: flow.issuer })),
    ]);
  });

  it('refuses wrong claims — CA-17', async () => {
    const now = clock.now();
    const literal = ['null', '[]', '"x"', '', '{'].map((payload) =>
      withAssertion(signer.signed({ alg: 'ES256', kid: 'first' }, payload)),
    );
    await expectAllRefused([
      ...literal,
      ...[
        { iss: stranger.id },
        { sub: stranger.id },
        { iss: stranger.id, sub: stranger.id },
        { iss: undefined },
        { sub: undefined },
        { iss: [client.id] },
        { sub: [client.id] },
        { iss: flow.issuer },
        { exp: undefined },
        { exp: now + 86_400 },
        { exp: now + 331 },
        { exp: now - 30 },
        { exp: String(now + 60) },
        { exp: null },
        { exp: -1 },
        { iat: now + 31 },
        { iat: String(now) },
        { nbf: now + 31 },
        { nbf: 'now' },
        { jti: undefined },
        { jti: '' },
        { jti: 7 },
        { jti: null },
        { jti: ['j'] },
        { jti: 'j'.repeat(257) },
      ].map((claims) => proof(claims)),
    ]);
  });

  it('forgives clocks half a minute, and takes five minutes of life — CA-17', async () => {
    const now = clock.now();
    for (const claims of [
      { exp: now + 330 },
      { exp: now - 29 },
      { iat: now + 30 },
      { nbf: now + 30 },
      { iat: undefined },
      { jti: 'j'.repeat(256) },
    ]) {
      tokensOf(await redeem(held, proof(claims)));
      held = await flow.codeFor(client);
    }
  });

  it('wants to know which of several keys was used — CA-17', async () => {
    const code = await flow.codeFor(rotating);
    const of = (one: ClientSigner, header: Changes) =>
      one.proof(rotating.id, tokenUrl(), {}, header);
    await expectStoreUntouched(flow, async () => {
      refused(await redeem(code, of(second, { kid: undefined })));
      refused(await redeem(code, of(second, { kid: 'first' })));
      refused(await redeem(code, of(signer, { kid: 'third' })));
    });
    tokensOf(await redeem(code, of(second, { kid: 'second' })));
    // A client of one key need not name it.
    tokensOf(await redeem(held, proof({}, { kid: undefined })));
    held = await flow.codeFor(client);
  });

  it.each([
    ['the issuer', (issuer: string) => issuer],
    ['the token endpoint', (issuer: string) => `${issuer}/token`],
    ['one of them in a list', (issuer: string) => [issuer]],
  ])('takes %s for the audience — CA-18', async (_name, audience) => {
    tokensOf(await redeem(held, proof({ aud: audience(flow.issuer) })));
    held = await flow.codeFor(client);
  });

  it('takes no other audience — CA-18', async () => {
    const { issuer } = flow;
    await expectAllRefused(
      [
        undefined,
        null,
        7,
        '',
        [],
        [[issuer]],
        { aud: issuer },
        [issuer, tokenUrl()],
        [issuer, 'https://other.test'],
        ['https://other.test', tokenUrl()],
        'https://other.test',
        `${issuer}/`,
        `${issuer}//token`,
        `${tokenUrl()}/`,
        `${tokenUrl()}?x`,
        `${tokenUrl()}x`,
        tokenUrl().slice(0, -1),
        issuer.toUpperCase(),
        issuer.replace('http:', 'https:'),
        `${issuer}.evil.test`,
        `${issuer}/revoke`,
        `${issuer}/authorize`,
        `${issuer}/mcp`,
        idp.issuer,
        client.id,
      ].map((aud) => proof({ aud })),
    );
  });

  it('takes, at revocation, that endpoint for the audience too — CA-18', async () => {
    const { access_token: token } = tokensOf(await redeem(held, proof()));
    held = await flow.codeFor(client);
    const revoke = (aud: string): Promise<Answer> =>
      flow.send('/revoke', { form: { token, ...proof({ aud }) } });
    await expectStoreUntouched(flow, async () => {
      for (const aud of [`${flow.issuer}/revoke/`, `${flow.issuer}/introspect`]) {
        refused(await revoke(aud));
      }
    });
    expect(await flow.isAccepted(token)).toBe(true);
    for (const aud of [flow.issuer, tokenUrl(), `${flow.issuer}/revoke`]) {
      const answer = await revoke(aud);
      expectInvariants(answer, { issuer: flow.issuer });
      expect(answer.status).toBe(200);
    }
    expect(await flow.isAccepted(token)).toBe(false);
  });

  it('knows itself by its issuer, and its endpoints by where they are — CA-18', async () => {
    const issuerUrl = 'https://login.example.com/tenant';
    const apart = await startFlow({
      idp,
      platform,
      clock,
      issuerPath: '/deep/path',
      proxy: { clients: clients(), issuerUrl, rateLimits: false },
    });
    try {
      const code = await apart.codeFor(client);
      const redeemFor = (aud: string): Promise<Answer> =>
        apart.token(apart.tokenRequest(code).with(proof({ aud })));
      const base = apart.app.issuer;
      for (const aud of [base, `${issuerUrl}/token`, `${apart.app.origin}/token`]) {
        expectTokenError(await redeemFor(aud), apart, 'invalid_client', 401);
      }
      const { refresh_token } = tokensOf(await redeemFor(issuerUrl));
      const form = apart.refreshRequest(refresh_token, client);
      tokensOf(await apart.token(form.with(proof({ aud: `${base}/token` }))));
    } finally {
      await apart.close();
    }
  });

  it('tells the operator why, and never what', () => {
    expect(events).toContainEqual(expect.stringContaining('"reason":"wrong_audience"'));
    expect(events).toContainEqual(expect.stringContaining('"reason":"unknown_key"'));
    for (const event of events) {
      expect(event).toMatch(
        /^client_assertion\.refused \{"clientId":"[\w-]+","reason":"[a-z_]+"\}$/,
      );
    }
  });
});

/** Another last character of base64url for the same bytes, where the last has spare bits. */
function looser(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character) ^ 1] ?? '';
}
