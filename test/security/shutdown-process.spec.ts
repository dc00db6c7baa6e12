// Security matrix NE-10: an app that closes leaves nothing behind, and what is under way ends clean.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeIssuer } from '../support/fake-issuer.js';
import { documentOf } from '../support/document-host.js';
import { freePort } from '../support/free-port.js';
import { LogSink } from '../support/log-sink.js';
import { expectTokenError } from '../support/outcomes.js';
import { appSecret, type ProtectedApp } from '../support/protected-app.js';
import { type Answer, type HeldCode, ProxyFlow, tokensOf } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import type { ShutdownSettings } from '../support/shutdown.child.js';

const loader = join(import.meta.dirname, '../support/ts-loader.mjs');
const script = join(import.meta.dirname, '../support/shutdown.child.ts');
const documented = 'https://client.example/client.json';
const longest = 60_000;

let idp: UpstreamIdp;
let issuer: FakeIssuer;
let documents: Server;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  issuer = await new FakeIssuer().start();
  documents = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(documentOf(documented)));
  }).listen(0, '127.0.0.1');
  await once(documents, 'listening');
});

afterAll(async () => {
  documents.close();
  documents.closeAllConnections();
  await issuer.stop();
  await idp.stop();
});

/** An app in a process of its own. */
class AppProcess {
  static async start(settings: ShutdownSettings): Promise<AppProcess> {
    const args = ['--import', loader, script, JSON.stringify(settings)];
    const started = new AppProcess(
      spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    await started.#said('ready');
    return started;
  }

  readonly exited: Promise<readonly [code: number | null, signal: string | null]>;
  #output = '';

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => (this.#output += data.toString()));
    }
    this.exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  }

  get output(): string {
    return this.#output;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** For good, when a test failed on the way. */
  end(): void {
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
  }

  async #said(word: string): Promise<void> {
    while (!this.#output.split('\n').includes(word)) {
      const stdout = this.child.stdout ?? this.child;
      const next = await Promise.race([once(stdout, 'data'), this.exited.then(() => 'exited')]);
      if (next === 'exited') throw new Error(`The app did not start: ${this.#output}`);
    }
  }
}

describe('an app in a process of its own', () => {
  let settings: ShutdownSettings;
  let flow: ProxyFlow;
  let app: AppProcess;

  beforeEach(async () => {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    settings = {
      port,
      folder: await mkdtemp(join(tmpdir(), 'shutdown-')),
      secret: appSecret,
      upstream: { issuer: idp.issuer, id: idp.client.id, secret: idp.client.secret },
      jwks: { uri: issuer.jwksUri, issuer: issuer.issuer },
      documents: `http://127.0.0.1:${(documents.address() as AddressInfo).port}`,
    };
    idp.setRedirectUris([`${origin}/auth/callback`]);
    const there = { origin, issuer: origin, url: `${origin}/mcp` } as ProtectedApp;
    flow = new ProxyFlow(there, idp, new LogSink());
    app = await AppProcess.start(settings);
  }, longest);

  afterEach(async () => {
    app.end();
    await app.exited;
    await rm(settings.folder, { recursive: true, force: true });
  });

  it(
    'that used all there is ends by itself once it is closed — NE-10',
    async () => {
      const client = await flow.register();
      const tokens = await flow.tokensFor(client);
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(200);
      expect(await flow.isAccepted(await issuer.sign({ aud: flow.app.url }))).toBe(true);
      const known = { id: documented, redirectUri: client.redirectUri };
      expect((await flow.authorize(flow.authorizationRequest(known))).status).toBe(302);
      app.signal('SIGUSR2');
      expect(await app.exited).toEqual([0, null]);
      expect(app.output).toContain('open []');
    },
    longest,
  );

  it(
    'that is terminated under load leaves what works, or what can be repeated — NE-10',
    async () => {
      const client = await flow.register();
      const codes: HeldCode[] = [];
      const logins: string[] = [];
      for (let i = 0; i < 6; i++) {
        codes.push(await flow.codeFor(client));
        logins.push((await flow.tokensFor(client)).refresh_token);
      }
      const attempt = async (request: () => Promise<Answer>): Promise<Answer | undefined> => {
        try {
          return await request();
        } catch {
          // The connection was refused or cut: no answer.
          return undefined;
        }
      };
      const redeem = (code: HeldCode) => attempt(() => flow.redeem(code));
      const refresh = (token: string) => attempt(() => flow.refresh(token, client));
      const first = [redeem(codes[0] as HeldCode), refresh(logins[0] as string)];
      const running = [...first, ...codes.slice(1).map(redeem), ...logins.slice(1).map(refresh)];
      await Promise.race(first);
      app.signal('SIGTERM');
      const answers = await Promise.all(running);
      expect(await app.exited).toEqual([null, 'SIGTERM']);
      const [code, login, ...rest] = answers;
      const redeemed = [code, ...rest.slice(0, 5)];
      const refreshed = [login, ...rest.slice(5)];

      app = await AppProcess.start(settings);
      for (const answer of answers) expect([200, 503, undefined]).toContain(answer?.status);
      for (const [i, answer] of redeemed.entries()) {
        const held = codes[i] as HeldCode;
        const outcome = answer?.status === 200 ? answer : await flow.redeem(held);
        if (outcome.status !== 200) expectTokenError(outcome, flow, 'invalid_grant');
        else expect(await flow.isAccepted(tokensOf(outcome).access_token)).toBe(true);
      }
      for (const [i, answer] of refreshed.entries()) {
        const token = logins[i] as string;
        const outcome = answer?.status === 200 ? answer : await flow.refresh(token, client);
        expect(await flow.isAccepted(tokensOf(outcome).access_token)).toBe(true);
      }
      expect(answers.some((answer) => answer?.status === 200)).toBe(true);
    },
    longest,
  );
});
