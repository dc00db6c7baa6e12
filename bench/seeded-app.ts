import { createHash, randomBytes } from 'node:crypto';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { AppProcess, type StoreSettings } from '../test/support/app-process.js';
import type { InstantIdp } from './instant-idp.js';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const redirectUri = 'https://client.example/cb';
/** The server keeps at most a hundred grants of one user. */
const grantsPerUser = 10;

/** An app in a process of its own, and the clients and grants it was filled with over HTTP. */
export class SeededApp {
  static async start(idp: InstantIdp, store: StoreSettings): Promise<SeededApp> {
    return new SeededApp(await AppProcess.start({ idp, store, withoutConsent: true }), idp);
  }

  readonly clients: string[] = [];
  readonly accessTokens: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  private constructor(
    readonly app: AppProcess,
    private readonly idp: InstantIdp,
  ) {}

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.app.close();
  }

  /** Registers clients until there are so many. */
  async register(count: number): Promise<void> {
    await this.#each(count - this.clients.length, async () => {
      const json = {
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
      };
      const answer = await this.#send('/register', {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(json),
        expected: 201,
      });
      this.clients.push((JSON.parse(answer.body) as { client_id: string }).client_id);
    });
  }

  /** Logs users in until there are so many grants: each with a browser, a code and its redemption. */
  async login(count: number): Promise<void> {
    const first = this.accessTokens.length;
    await this.#each(count - first, async (i) => {
      const client = this.clients[(first + i) % this.clients.length] ?? '';
      const user = `user-${Math.floor((first + i) / grantsPerUser)}`;
      this.accessTokens.push(await this.#tokenFor(client, user));
    });
  }

  /** Asks for what is protected. */
  async use(accessToken: string): Promise<void> {
    await this.#send('/mcp', {
      headers: { authorization: `Bearer ${accessToken}` },
      expected: 200,
    });
  }

  async #tokenFor(client: string, user: string): Promise<string> {
    const verifier = randomBytes(32).toString('base64url');
    const asked = new URLSearchParams({
      response_type: 'code',
      client_id: client,
      redirect_uri: redirectUri,
      state: randomBytes(16).toString('base64url'),
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      scope: 'mcp:use',
    });
    const begun = await this.#send(`/authorize?${asked.toString()}`, { expected: 302 });
    const cookies = begun.headers['set-cookie'] ?? [];
    const cookie = cookies.map((line) => line.split(';')[0]).join('; ');
    const answer = this.idp.approve(new URL(begun.headers.location ?? ''), user);
    const finished = await this.#send(`/auth/callback?${answer.toString()}`, {
      headers: { cookie },
      expected: 302,
    });
    const code = new URL(finished.headers.location ?? '').searchParams.get('code') ?? '';
    const redeemed = await this.#send('/token', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        client_id: client,
        code_verifier: verifier,
      }).toString(),
      expected: 200,
    });
    return (JSON.parse(redeemed.body) as { access_token: string }).access_token;
  }

  /** Does it so often, a few at a time. */
  async #each(count: number, task: (i: number) => Promise<void>): Promise<void> {
    let next = 0;
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (next < count) await task(next++);
      }),
    );
  }

  #send(
    path: string,
    given: { headers?: Record<string, string>; body?: string; expected: number },
  ): Promise<Answer> {
    const { headers, body, expected } = given;
    const method = body === undefined ? 'GET' : 'POST';
    return new Promise((resolve, reject) => {
      const sent = request(this.app.origin + path, { method, headers, agent: this.#agent });
      sent.once('error', reject);
      sent.once('response', (response) => {
        const { statusCode: status = 0, headers: received } = response;
        text(response).then((content) => {
          if (status === expected) resolve({ status, headers: received, body: content });
          else reject(new Error(`${path}: ${status} ${received.location ?? ''} ${content}`));
        }, reject);
      });
      sent.end(body);
    });
  }
}
