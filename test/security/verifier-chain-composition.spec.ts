// VC and AT of the security matrix: what a composition must not depend on, and what must not boot.
import { All, Controller } from '@nestjs/common';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccessToken,
  ConfigurationError,
  DebugTokenVerifier,
  IntrospectionVerifier,
  JwtVerifier,
  McpAuth,
  MemoryStore,
  MultiAuthModule,
  type MultiAuthOptions,
  OAuth2Upstream,
  OAuthProxy,
  StaticTokenVerifier,
  type TokenVerifier,
} from '../../lib/index.js';
import { createApp, moduleOf, platforms } from '../support/app.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { FakeVerifier } from '../support/fake-sources.js';
import { appSecret } from '../support/protected-app.js';
import { startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

@Controller('mcp')
@McpAuth()
class WhoController {
  @All()
  who(@AccessToken() { source, issuer, subject }: AccessToken): object {
    return { source, issuer, subject };
  }
}

const start = (options: MultiAuthOptions, platform: (typeof platforms)[number] = 'express') =>
  createApp(
    moduleOf({ imports: [MultiAuthModule.forRoot(options)], controllers: [WhoController] }),
    platform,
  );

describe.each(platforms)('the order of disjoint sources on %s', (platform) => {
  let one: FakeIssuer;
  let two: FakeIssuer;

  beforeAll(async () => {
    [one, two] = await Promise.all([new FakeIssuer().start(), new FakeIssuer().start()]);
  });

  afterAll(() => Promise.all([one.stop(), two.stop()]));

  const permutations = <T>(list: readonly T[]): T[][] =>
    list.length < 2
      ? [[...list]]
      : list.flatMap((first, i) =>
          permutations(list.toSpliced(i, 1)).map((others) => [first, ...others]),
        );

  it('does not change who is accepted, nor as whom — VC-25', async () => {
    const jwt = (name: string, { jwksUri, issuer }: FakeIssuer) =>
      new JwtVerifier({ name, jwksUri, issuer, audience: 'mcp' });
    const sources: readonly TokenVerifier[] = [
      jwt('one', one),
      jwt('two', two),
      new StaticTokenVerifier({ name: 'three', tokens: { 'static-token': { clientId: 'three' } } }),
      new FakeVerifier({ name: 'four', tokens: { 'custom-token': {} }, waits: true }),
    ];
    const tokens = [
      await one.sign({ aud: 'mcp' }),
      await two.sign({ aud: 'mcp' }),
      'static-token',
      'custom-token',
      await one.sign({ aud: 'mcp', iss: two.issuer }),
      await two.sign({ aud: 'mcp', iss: one.issuer }),
      await one.sign({ aud: 'another' }),
      await two.sign({ aud: 'mcp', exp: 1 }),
      'unknown-token',
    ];
    const outcomes = new Set<string>();
    for (const verifiers of permutations(sources)) {
      const { url, close } = await start({ verifiers }, platform);
      const answers = await Promise.all(
        tokens.map(async (token) => {
          const headers = { authorization: `Bearer ${token}` };
          const response = await fetch(`${url}/mcp`, { headers });
          const { source, issuer } = (await response.json()) as Record<string, string>;
          return [response.status, source, issuer];
        }),
      );
      outcomes.add(JSON.stringify(answers));
      await close();
    }
    expect([...outcomes].map((text) => JSON.parse(text) as unknown)).toEqual([
      [
        [200, 'one', one.issuer],
        [200, 'two', two.issuer],
        [200, 'three', null],
        [200, 'four', null],
        ...Array.from({ length: 5 }, () => [401, null, null]),
      ],
    ]);
  });
});

describe('a composition that is not safe does not boot', () => {
  const issuer = 'https://issuer.test';
  const audience = 'mcp';
  const jwksUri = 'https://issuer.test/jwks';
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const refused = (make: () => unknown) => expect(make).toThrow(ConfigurationError);

  it('without any source — VC-26', async () => {
    for (const options of [{}, { verifiers: [] }, { verifiers: undefined }]) {
      await expect(start(options as MultiAuthOptions)).rejects.toThrow(ConfigurationError);
    }
    const verifiers = [new FakeVerifier({ name: 'one', tokens: {} })];
    await (await start({ verifiers })).close();
  });

  it('with a verifier that accepts all and was not told to — VC-24', () => {
    for (const options of [undefined, {}, { allowDebugTokens: true }, { unsafe: true }]) {
      refused(() => new DebugTokenVerifier(options as never));
    }
  });

  it('with keys that come over a wire anyone can write on — VC-12', () => {
    refused(() => new JwtVerifier({ jwksUri: 'http://issuer.test/jwks', issuer, audience }));
    expect(new JwtVerifier({ jwksUri, issuer, audience })).toBeDefined();
  });

  it('with a verifier that takes any audience or issuer — AT-16, AT-17', () => {
    for (const missing of ['', [], [''], null]) {
      refused(() => new JwtVerifier({ jwksUri, issuer, audience: missing as never }));
      refused(() => new JwtVerifier({ jwksUri, issuer: missing as never, audience }));
    }
    refused(() => new JwtVerifier({ jwksUri, issuer: undefined as never, audience }));
  });

  it('with a verifier whose tokens have to name a resource that has no URL — AT-17', async () => {
    const unbound = [
      new JwtVerifier({ jwksUri, issuer }),
      new IntrospectionVerifier({ introspectionEndpoint: jwksUri, clientId: 'app' }),
    ];
    for (const verifier of unbound) {
      await expect(start({ verifiers: [verifier] })).rejects.toThrow(
        /verifiers\[0\]: has no audience/,
      );
      await (await start({ verifiers: [verifier], baseUrl: 'https://rs.test' })).close();
    }
    const upstream = new OAuth2Upstream({
      authorizationEndpoint: 'https://idp.test/authorize',
      tokenEndpoint: 'https://idp.test/token',
      clientId: 'app',
      tokenVerifier: new JwtVerifier({ jwksUri, issuer }),
    });
    const server = new OAuthProxy({ upstream, secrets: [appSecret], storage: new MemoryStore() });
    await expect(start({ baseUrl: 'https://as.test', server })).rejects.toThrow(
      /tokenVerifier: has no audience/,
    );
  });

  it('with a public key for a secret — AT-07', () => {
    const der = publicKey.export({ type: 'spki', format: 'der' });
    for (const sharedSecret of [
      pem,
      `\n${pem}`,
      `\uFEFF${pem}`,
      ` ${pem}`,
      der.toString('base64'),
      der.toString('hex'),
      JSON.stringify(publicKey.export({ format: 'jwk' })),
    ]) {
      refused(() => new JwtVerifier({ sharedSecret, issuer, audience }));
    }
    refused(
      () => new JwtVerifier({ publicKey: pem, algorithms: ['HS256', 'RS256'], issuer, audience }),
    );
    refused(() => new JwtVerifier({ jwksUri, algorithms: ['HS256'], issuer, audience }));
    expect(new JwtVerifier({ publicKey: pem, issuer, audience })).toBeDefined();
  });

  it('with a secret that can be guessed — AT-43', () => {
    for (const sharedSecret of ['', 'secret', 'changeme', 'x'.repeat(31), 'a'.repeat(64)]) {
      refused(() => new JwtVerifier({ sharedSecret, issuer, audience }));
    }
    expect(new JwtVerifier({ sharedSecret: appSecret, issuer, audience })).toBeDefined();
  });
});

describe('a proxy in front of an OAuth 2 server', () => {
  let idp: UpstreamIdp;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
  });

  afterAll(() => idp.stop());

  it.each(['', 'secret', 'x'.repeat(31), 'a'.repeat(64)])(
    'does not boot with the secret %j — AT-43',
    async (secret) => {
      const proxy = { secrets: [secret] };
      await expect(startFlow({ idp, proxy })).rejects.toThrow(ConfigurationError);
    },
  );

  it('does not boot with the client secret at the upstream as its own — AT-43', async () => {
    const proxy = { secrets: [idp.client.secret] };
    await expect(startFlow({ idp, proxy })).rejects.toThrow(ConfigurationError);
  });

  it('logs nobody in when its verifier fails, and does not remember that — VC-27', async () => {
    let verify: TokenVerifier['verifyToken'] = () => null;
    const upstream = new OAuth2Upstream({
      authorizationEndpoint: idp.endpoint('authorization'),
      tokenEndpoint: idp.endpoint('token'),
      issuer: idp.issuer,
      clientId: idp.client.id,
      clientSecret: idp.client.secret,
      scopes: ['openid'],
      tokenVerifier: { verifyToken: (token, context) => verify(token, context) },
    });
    const flow = await startFlow({ idp, proxy: { upstream } });
    const client = await flow.register();
    const failures: Readonly<Record<string, TokenVerifier['verifyToken']>> = {
      refuses: () => null,
      throws: () => {
        throw new Error('out of order');
      },
      rejects: () => Promise.reject(new Error('out of order')),
      'answers garbage': () => true as never,
      'names nobody': () => ({ clientId: 'c', scopes: [] }),
    };
    for (const [what, failing] of Object.entries(failures)) {
      verify = failing;
      const callback = new URL((await flow.login(client)).url);
      const { searchParams } = callback;
      expect([what, searchParams.has('code'), searchParams.has('error')]).toEqual([
        what,
        false,
        true,
      ]);
    }
    verify = () => ({ clientId: 'c', subject: 'carol', scopes: [] });
    expect(await flow.isAccepted((await flow.tokensFor(client)).access_token)).toBe(true);
    await flow.close();
  });
});
