// Broken and hostile HTTP, byte by byte, at the endpoints that anyone can reach: the app answers or
// hangs up, never fails, keeps nothing of it, and serves on.
import type { ServerResponse } from 'node:http';
import { All, Controller, HttpCode } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { AccessToken, McpAuth, MemoryStore } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { isLongRun } from '../support/property-runs.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { type Dictionary, hostileRequests } from './hostile-requests.js';
import { sendRaw } from './raw-connection.js';

const AT_ONCE = 40;
const ROUNDS = 10;
const WARM_UP_MILLISECONDS = 5000;
const LONG_MILLISECONDS = 30_000;
const MAX_HEAP_GROWTH_BYTES = 16 * 1024 ** 2;
/** The one code that can be redeemed brings a grant and its tokens. */
const ENTRIES_OF_A_GRANT = 10;

const paths = ['/token', '/register', '/authorize', '/consent', '/mcp'] as const;

type Path = (typeof paths)[number];

/** What the guard protects: nothing that could fail by itself, as an MCP server behind it may. */
@Controller('mcp')
@McpAuth()
class GuardedController {
  @All()
  @HttpCode(200)
  handle(@AccessToken() { clientId }: AccessToken): object {
    return { clientId };
  }
}

/** A store that remembers what is in it, and not what was: the long run must not fill the rig. */
class CountedStore extends StoreSpy {
  readonly keys = new Set<string>();
  readonly #store = new MemoryStore();

  override get(key: string): Promise<string | undefined> {
    return this.#store.get(key);
  }

  override async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.#store.set(key, value, ttlSeconds);
    this.keys.add(key);
  }

  override async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    const isAdded = await this.#store.add(key, value, ttlSeconds);
    if (isAdded) this.keys.add(key);
    return isAdded;
  }

  override take(key: string): Promise<string | undefined> {
    this.keys.delete(key);
    return this.#store.take(key);
  }

  override delete(key: string): Promise<void> {
    this.keys.delete(key);
    return this.#store.delete(key);
  }
}

/** An app under fire: what it holds, and how it answered. */
class Target {
  readonly statuses = new Map<number, number>();

  constructor(
    readonly flow: ProxyFlow,
    readonly store: CountedStore,
  ) {
    flow.app.app.getHttpServer().on('request', (_request: unknown, response: ServerResponse) => {
      response.once('close', () => this.#count(response.statusCode));
    });
  }

  get port(): number {
    return Number(new URL(this.flow.app.origin).port);
  }

  /** How many requests were taken; a redirect may be a refusal, and is counted all the same. */
  get successes(): number {
    return [...this.statuses].reduce((sum, [status, n]) => sum + (status < 400 ? n : 0), 0);
  }

  #count(status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }

  /** Names and values that are real here: a client, a code, tokens, and an open consent page. */
  async dictionary(path: Path): Promise<Dictionary> {
    const { flow } = this;
    const client = await flow.register();
    const held = await flow.codeFor(client);
    const { access_token, refresh_token } = await flow.tokensFor(client);
    const browser = new Browser();
    const page = await flow.consentPage(flow.authorizationRequest(client), browser);
    const fields = page.forms.flatMap((form) => form.fields.map((f) => [f.name, f.value] as const));
    const cookies = browser.cookies.list().map((cookie) => `${cookie.name}=${cookie.value}`);
    const good = {
      '/token': {
        ...recordOf(String(flow.tokenRequest(held))),
        scope: 'notes:read',
        refresh_token,
      },
      '/register': registration,
      '/authorize': recordOf(new URL(held.request.url).search),
      '/consent': { ...Object.fromEntries(fields), action: 'approve' },
      '/mcp': { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} },
    };
    const headers = {
      '/consent': [`Cookie: ${cookies.join('; ')}`, `Origin: ${flow.app.origin}`],
      '/mcp': [`Authorization: Bearer ${access_token}`],
    };
    const isJson = path === '/register' || path === '/mcp';
    return {
      path,
      host: new URL(flow.app.origin).host,
      headers: path === '/consent' || path === '/mcp' ? headers[path] : [],
      methods: path === '/authorize' || path === '/consent' ? ['GET', 'POST'] : ['POST'],
      mediaType: isJson ? 'json' : 'form',
      parameters: good[path],
      values: [
        ...Object.values(good['/token']),
        ...Object.values(good['/authorize']),
        access_token,
        ...'refresh_token deny none client_secret_post plain token'.split(' '),
        'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      ],
      cookies: cookies.join('; '),
      bearer: access_token,
    };
  }

  /** Sends them side by side; throws what no request may bring about, with its bytes. */
  async receive(requests: readonly Parameters<typeof sendRaw>[1][]): Promise<void> {
    await Promise.all(
      requests.map(async (request) => {
        const { answer, isClosed } = await sendRaw(this.port, request);
        const fault = isClosed ? /HTTP\/1\.[01] 5\d\d [^]*/.exec(answer)?.[0] : 'no end';
        if (fault === undefined) return;
        const bytes = JSON.stringify(request.bytes.slice(0, 3000));
        throw new Error(`${fault.slice(0, 500)}\nwas the answer to ${bytes} (${request.farewell})`);
      }),
    );
    // Nest itself says so of a body for one of the app's own routes on Fastify that breaks off.
    const errors = this.flow.log.lines.filter(
      ({ level }) => level === 'error' || level === 'fatal',
    );
    expect(errors.filter(({ text }) => !text.startsWith('Error: aborted'))).toEqual([]);
    this.flow.log.clear();
  }
}

function recordOf(query: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(query));
}

/** The metadata of a client that says everything a client may say. */
const registration = {
  client_name: 'App',
  redirect_uris: ['https://app.test/cb'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'notes:read',
  application_type: 'web',
  client_uri: 'https://app.test/',
  logo_uri: 'https://app.test/logo.png',
  contacts: ['someone@app.test'],
  software_id: 'app',
};

/** Collects all garbage and says how many bytes are left. */
function heapAfterCollection(): number {
  if (!globalThis.gc) throw new Error('The long run needs `node --expose-gc`.');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('Hostile bytes on %s', (platform) => {
  let target: Target;

  beforeAll(async () => {
    const store = new CountedStore(new MemoryStore());
    const controllers = [GuardedController];
    target = new Target(await startFlow({ idp, platform, store, controllers }), store);
  });

  // Past the rig's search for shown secrets: here a client's name may be a code, and a code its id.
  afterAll(() => target.flow.app.app.close());

  /** So many rounds; in the long run as many as fit into the time. */
  async function fire(dictionary: Dictionary, milliseconds: number): Promise<void> {
    const requests = hostileRequests(dictionary);
    const volley = fc.array(requests, { minLength: AT_ONCE, maxLength: AT_ONCE });
    let latest = Promise.resolve();
    await fc.assert(
      fc.asyncProperty(volley, (sent) => (latest = target.receive(sent))),
      {
        ...(isLongRun()
          ? { numRuns: 1e9, interruptAfterTimeLimit: milliseconds }
          : { numRuns: ROUNDS }),
        endOnFailure: true,
        reporter: ({ failed, seed, counterexamplePath, errorInstance }) => {
          if (failed)
            throw new Error(`seed ${seed}, path ${counterexamplePath}: ${String(errorInstance)}`);
        },
      },
    );
    // The time may be up in the middle of a round.
    await latest;
  }

  it.each(paths)('to %s are answered or hung up on, and nothing of them stays', async (path) => {
    const { flow, store } = target;
    const dictionary = await target.dictionary(path);
    if (isLongRun()) await fire(dictionary, WARM_UP_MILLISECONDS);
    const heap = isLongRun() ? heapAfterCollection() : 0;
    const [entries, successes] = [store.keys.size, target.successes];
    await fire(dictionary, LONG_MILLISECONDS);
    const taken = target.successes - successes;
    // What is taken leaves one entry: a client, a login. Who hung up may have been taken.
    expect(store.keys.size - entries).toBeLessThanOrEqual(taken + ENTRIES_OF_A_GRANT);
    if (isLongRun()) expect(heapAfterCollection() - heap).toBeLessThan(MAX_HEAP_GROWTH_BYTES);
    const { access_token } = await flow.tokensFor(await flow.register());
    expect(await flow.isAccepted(access_token)).toBe(true);
  });
});
