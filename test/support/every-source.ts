import { createHmac, createPublicKey, generateKeyPairSync, KeyObject, sign } from 'node:crypto';
import { All, Controller } from '@nestjs/common';
import { expect } from '@jest/globals';
import {
  AccessToken,
  ApiKeyVerifier,
  generateApiKey,
  JwtVerifier,
  McpAuth,
  type MultiAuthOptions,
  StaticTokenVerifier,
  type TokenVerifier,
  TrustedIssuersVerifier,
} from '../../lib/index.js';
import { SecretRing } from '../../lib/crypto/secret-ring.js';
import type { Platform } from './app.js';
import { bearerOutcome } from './bearer-outcomes.js';
import { FakeIssuer } from './fake-issuer.js';
import { FakeVerifier } from './fake-sources.js';
import { freePort } from './free-port.js';
import { LogSink } from './log-sink.js';
import { ManualClock } from './manual-clock.js';
import { appSecret, type ProtectedAppOptions } from './protected-app.js';
import {
  type Answer,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from './proxy-flow.js';
import type { UpstreamIdp } from './upstream-idp.js';

export const staticToken = 'static-token-of-the-robot';
export const customToken = 'custom-token-of-the-house';
export const apiKey = generateApiKey({ prefix: 'acme' });
export const keyHeader = 'x-api-key';

/** The sources whose tokens say nothing themselves; another one has to be added here alone. */
export const opaqueSources = [
  { source: 'static', token: staticToken, subject: 'robot' },
  { source: 'custom', token: customToken, subject: 'house' },
  { source: 'api-key', token: apiKey.key, subject: 'key-owner' },
] as const;
export const pemIssuer = 'https://pem.test';

/** The part of a JWT as text, well-formed or not, or as an object to be written as JSON. */
export type Part = string | Readonly<Record<string, unknown>>;

/** A source of JWTs as one sees it who has a genuine token and the very key it was signed with. */
export interface JwtSource {
  readonly name: string;
  readonly app: GuardedApp;
  readonly genuine: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The public key, for algorithms that have one. */
  readonly publicKey?: KeyObject;
  /** Signs with the genuine key whatever the parts say. */
  sign(header: Part, claims: Part): string;
}

/** What an endpoint answered, and whether the handler ran; counted by the endpoint itself. */
export class Door {
  handled = 0;
  seen: AccessToken | undefined;
}

/** An app whose endpoints `/mcp` and `/mcp2` do nothing but count. */
export class GuardedApp {
  constructor(
    readonly flow: ProxyFlow,
    readonly door: Door,
    readonly client: TestClient,
    readonly tokens: Tokens,
  ) {}

  /**
   * Sends the token and answers the outcome. Unless it was accepted, the handler did not run, the
   * store is as it was (U4), and the log shows nothing of the token (U5).
   */
  async present(token: string, path = '/mcp'): Promise<string> {
    return this.outcomeOf(() => this.call(path, { authorization: `Bearer ${token}` }), token, path);
  }

  call(path: string, headers: Record<string, string>): Promise<Answer> {
    const json = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
    return this.flow.send(this.flow.app.origin + path, { json, headers });
  }

  async outcomeOf(request: () => Promise<Answer>, secret = '', path = '/mcp'): Promise<string> {
    const { app, log } = this.flow;
    const before = { handled: this.door.handled, store: app.store.snapshot() };
    const metadataUrl = `${app.origin}/.well-known/oauth-protected-resource${path}`;
    const answer = await request();
    const outcome = bearerOutcome(answer, metadataUrl);
    const accepted = outcome === 'accepted' ? 1 : 0;
    expect(this.door.handled - before.handled).toBe(accepted);
    expect(app.store.snapshot()).toBe(before.store);
    if (secret.length > 20) {
      expect(log.contains(secret)).toBe(false);
      if (accepted === 0) expect(answer.text).not.toContain(secret);
    }
    return outcome;
  }
}

export interface EverySourceOptions {
  readonly idp: UpstreamIdp;
  readonly platform: Platform;
  readonly module?: Partial<MultiAuthOptions>;
  /** More sources, tried after the others. */
  readonly verifiers?: (
    origin: string,
    clock: ManualClock,
    issuer: FakeIssuer,
  ) => readonly TokenVerifier[];
}

/**
 * One app with every kind of source: an `OAuthProxy` with derived keys, JWTs of an issuer with a
 * JWKS, JWTs of an issuer with one PEM key, JWTs of an issuer found by its metadata, a static
 * token, a verifier of the app's own and API keys. Beside it an app whose `OAuthProxy` signs with ES256.
 */
export class EverySource {
  static async start(options: EverySourceOptions): Promise<EverySource> {
    const clock = new ManualClock();
    // One clock for both: a slow machine must not make a token one of the future.
    const issuer = await new FakeIssuer({ clock }).start();
    const discovered = await new FakeIssuer({ clock }).start();
    // Without `alg`, so that nothing but the configuration says what a key is for.
    for (const each of [issuer, discovered]) {
      const keys = each.keys.map(({ publicJwk: { alg: _, ...publicJwk } }) => publicJwk);
      each.document = { keys };
    }
    // Nest has one logger for the whole process.
    const logger = new LogSink();
    const pem = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const custom = new FakeVerifier({
      name: 'custom',
      waits: true,
      tokens: { [customToken]: { clientId: 'house', subject: 'house', scopes: ['mcp:use'] } },
    });
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const audience = `${origin}/mcp`;
    const publicKey = pem.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const keyOwner = { clientId: 'key-client', subject: 'key-owner', scopes: ['mcp:use'] };
    const robot = { clientId: 'robot', subject: 'robot', scopes: ['mcp:use'] };
    const main = await guardedApp(options, { port, clock, logger }, [
      new JwtVerifier({
        name: 'jwks',
        jwksUri: issuer.jwksUri,
        issuer: issuer.issuer,
        audience,
        clock,
      }),
      new JwtVerifier({ name: 'pem', publicKey, issuer: pemIssuer, audience, clock }),
      new StaticTokenVerifier({ name: 'static', tokens: { [staticToken]: robot }, clock }),
      custom,
      new TrustedIssuersVerifier({
        name: 'discovered',
        issuers: ['https://another.test', discovered.issuer],
        audience,
        clock,
      }),
      new ApiKeyVerifier({
        name: 'api-key',
        prefix: 'acme',
        keys: { [apiKey.id]: { ...keyOwner, hash: apiKey.hash } },
        header: keyHeader,
        clock,
      }),
      ...(options.verifiers?.(origin, clock, issuer) ?? []),
    ]);
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...ec.privateKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'es-1' };
    const signed = await guardedApp(
      options,
      { port: await freePort(), clock, logger, proxy: { signingKeys: [jwk] } },
      [],
    );
    return new EverySource({ main, signed, clock, issuer, discovered, custom, pem, ec });
  }

  readonly main: GuardedApp;
  readonly signed: GuardedApp;
  readonly clock: ManualClock;
  readonly issuer: FakeIssuer;
  readonly custom: FakeVerifier;
  readonly own: JwtSource;
  readonly ownEs256: JwtSource;
  readonly jwks: JwtSource;
  readonly pem: JwtSource;
  /** Whose keys are found by its metadata. */
  readonly discovered: JwtSource;
  readonly #issuers: readonly FakeIssuer[];

  private constructor(parts: Parts) {
    const { main, signed, clock, issuer, discovered, pem, ec } = parts;
    this.main = main;
    this.signed = signed;
    this.clock = clock;
    this.issuer = issuer;
    this.custom = parts.custom;
    const [derived] = new SecretRing([appSecret]).derive('token-signing');
    this.own = ownSource('own', main, (text) =>
      createHmac('sha256', derived.key).update(text).digest(),
    );
    this.ownEs256 = {
      ...ownSource('own ES256', signed, (text) =>
        sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
      ),
      publicKey: ec.publicKey,
    };
    this.#issuers = [issuer, discovered];
    this.jwks = this.#publishing('jwks', issuer);
    this.discovered = this.#publishing('discovered', discovered);
    this.pem = this.#foreign('pem', pemIssuer, pem.privateKey, {});
  }

  /** Every source of JWTs. */
  get jwts(): readonly JwtSource[] {
    return [this.own, this.ownEs256, ...this.foreign];
  }

  /** The sources of JWTs that are not the proxy's. */
  get foreign(): readonly JwtSource[] {
    return [this.jwks, this.pem, this.discovered];
  }

  async close(): Promise<void> {
    await this.main.flow.close();
    await this.signed.flow.close();
    await Promise.all(this.#issuers.map((issuer) => issuer.stop()));
  }

  #publishing(name: string, { issuer, keys }: FakeIssuer): JwtSource {
    const [key] = keys;
    return this.#foreign(name, issuer, KeyObject.from(key?.privateKey as never), { kid: key?.kid });
  }

  #foreign(name: string, iss: string, key: KeyObject, extra: { kid?: unknown }): JwtSource {
    const now = this.clock.now();
    const header = { alg: 'RS256', typ: 'at+jwt', ...extra };
    const claims = {
      iss,
      sub: `user-of-${name}`,
      aud: this.main.flow.app.url,
      client_id: `client-of-${name}`,
      scope: 'mcp:use notes:read',
      iat: now,
      exp: now + 600,
    };
    const signParts = signerOf((text) => sign('sha256', Buffer.from(text), key));
    const genuine = signParts(header, claims);
    const publicKey = createPublicKey(key);
    return { name, app: this.main, genuine, header, claims, publicKey, sign: signParts };
  }
}

interface Parts {
  readonly main: GuardedApp;
  readonly signed: GuardedApp;
  readonly clock: ManualClock;
  readonly issuer: FakeIssuer;
  readonly discovered: FakeIssuer;
  readonly custom: FakeVerifier;
  readonly pem: { readonly privateKey: KeyObject };
  readonly ec: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
}

/** Presents what the attack makes of each source; undefined where it cannot be made. */
export async function outcomesOf(
  sources: readonly JwtSource[],
  attack: (source: JwtSource) => string | undefined,
): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {};
  for (const source of sources) {
    const token = attack(source);
    if (token !== undefined) outcomes[source.name] = await source.app.present(token);
  }
  return outcomes;
}

/** The same outcome for each source. */
export function all(sources: readonly JwtSource[], outcome: string): Record<string, string> {
  return Object.fromEntries(sources.map(({ name }) => [name, outcome]));
}

/** A compact JWS of the parts as they are, with whatever signature. */
export function compact(header: Part, claims: Part, signature: Uint8Array | string = ''): string {
  const last = typeof signature === 'string' ? signature : base64url(signature);
  return `${base64url(textOf(header))}.${base64url(textOf(claims))}.${last}`;
}

export function signerOf(signature: (text: string) => Uint8Array): JwtSource['sign'] {
  return (header, claims) => {
    const unsigned = compact(header, claims).slice(0, -1);
    return `${unsigned}.${base64url(signature(unsigned))}`;
  };
}

export function base64url(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64url');
}

export function partsOf(token: string): readonly [header: string, claims: string, sig: string] {
  return token.split('.') as [string, string, string];
}

function textOf(part: Part): string {
  return typeof part === 'string' ? part : JSON.stringify(part);
}

function ownSource(name: string, app: GuardedApp, signature: (text: string) => Buffer): JwtSource {
  const genuine = app.tokens.access_token;
  const [header, claims] = partsOf(genuine)
    .slice(0, 2)
    .map(
      (part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>,
    );
  const known = { header: header ?? {}, claims: claims ?? {} };
  return { name, app, genuine, ...known, sign: signerOf(signature) };
}

async function guardedApp(
  { idp, platform, module }: EverySourceOptions,
  common: Pick<ProtectedAppOptions, 'port' | 'clock' | 'logger' | 'proxy'>,
  verifiers: readonly TokenVerifier[],
): Promise<GuardedApp> {
  const door = new Door();
  const flow = await startFlow({
    idp,
    platform,
    verifiers,
    ...common,
    ...(module && { module }),
    controllers: [doorAt('mcp', 'default', door), doorAt('mcp2', 'second', door)],
  });
  const client = await flow.register();
  return new GuardedApp(flow, door, client, await flow.tokensFor(client));
}

function doorAt(path: string, resource: string, door: Door) {
  @Controller(path)
  @McpAuth({ resource })
  class DoorController {
    @All()
    handle(@AccessToken() token: AccessToken): object {
      door.handled++;
      door.seen = token;
      const { source, issuer, subject, clientId, scopes } = token;
      return { source, issuer, subject, clientId, scopes };
    }
  }
  return DoorController;
}

/** A token for the second resource of the app, got by a login of its own. */
export async function tokenForSecond({ flow, client }: GuardedApp): Promise<string> {
  const resource = `${flow.app.origin}/mcp2`;
  const request = flow.authorizationRequest(client).with({ resource });
  const held = await flow.codeFor(client, { request });
  return tokensOf(await flow.redeem(held, { resource })).access_token;
}
