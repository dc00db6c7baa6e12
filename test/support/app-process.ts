import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { OAuthProxyOptions } from '../../lib/index.js';
import { freePort } from './free-port.js';
import type { UpstreamIdp } from './upstream-idp.js';

/** Where an app keeps its records. */
export type StoreSettings =
  | { readonly kind: 'lmdb'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string; readonly keyPrefix: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string };

/** What the child process is told. */
export interface AppSettings {
  readonly port: number;
  /** Where clients and browsers find it: a balancer's, or its own. */
  readonly origin: string;
  readonly idp: Pick<UpstreamIdp, 'issuer' | 'client'>;
  readonly store: StoreSettings;
  /** Options that survive JSON. */
  readonly proxy?: Partial<OAuthProxyOptions>;
  /** Whether logins show no page of the app's. @default false */
  readonly withoutConsent?: boolean;
  /** By how much its clock is ahead of the machine's; negative when it is behind. @default 0 */
  readonly clockOffsetSeconds?: number;
}

export interface AppQuestion {
  readonly ask: 'clock' | 'cpu' | 'memory' | 'revokeAll';
  readonly offsetSeconds?: number;
  readonly subject?: string;
}

export interface AppMemory {
  readonly heap: number;
  /** All that is resident but for the files that are mapped, as that of an embedded database. */
  readonly own: number;
}

export interface AppAnswer {
  readonly answer: unknown;
}

export interface AppProcessOptions extends Pick<
  AppSettings,
  'store' | 'proxy' | 'withoutConsent' | 'clockOffsetSeconds'
> {
  readonly idp: Pick<UpstreamIdp, 'issuer' | 'client' | 'setRedirectUris'>;
  /** @default a free port */
  readonly port?: number;
  /** @default the app's own */
  readonly origin?: string;
}

const loader = fileURLToPath(new URL('ts-loader.mjs', import.meta.url));
const program = fileURLToPath(new URL('app.child.ts', import.meta.url));

/**
 * A Nest app behind an `OAuthProxy` in a process of its own, which can be killed, stopped and
 * started again. `GET /mcp` is what it protects.
 */
export class AppProcess {
  static async start({ idp, ...options }: AppProcessOptions): Promise<AppProcess> {
    const port = options.port ?? (await freePort());
    const origin = options.origin ?? `http://127.0.0.1:${port}`;
    idp.setRedirectUris([`${origin}/auth/callback`]);
    const { issuer, client } = idp;
    const app = new AppProcess({ ...options, port, origin, idp: { issuer, client } });
    await app.restart();
    return app;
  }

  #child: ChildProcess | undefined;
  #output = '';

  #clockOffsetSeconds: number;

  private constructor(private readonly settings: AppSettings) {
    this.#clockOffsetSeconds = settings.clockOffsetSeconds ?? 0;
  }

  get port(): number {
    return this.settings.port;
  }

  get origin(): string {
    return this.settings.origin;
  }

  get issuer(): string {
    return this.settings.origin;
  }

  /** The protected URL. */
  get url(): string {
    return `${this.settings.origin}/mcp`;
  }

  /** Everything that its processes printed. */
  get output(): string {
    return this.#output;
  }

  /** Starts a process with the settings of the one that ended, and waits until it listens. */
  async restart(): Promise<void> {
    const settings = { ...this.settings, clockOffsetSeconds: this.#clockOffsetSeconds };
    const child = spawn(
      process.execPath,
      ['--expose-gc', '--import', loader, program, JSON.stringify(settings)],
      { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    }
    const ended = once(child, 'exit').then(() => 'ended');
    const answered = once(child, 'message').then(() => 'listening');
    const first = await Promise.race([ended, answered]);
    if (first === 'ended') throw new Error(`The app did not start: ${this.#output}`);
  }

  /** Ends the process without a chance to finish anything. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends the process as an operator does. */
  async close(): Promise<void> {
    // One that is stopped hears nothing.
    this.#child?.kill('SIGCONT');
    await this.#end('SIGTERM');
  }

  /** Freezes the process, as a machine does that is starved or moved. */
  stop(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** Lets a stopped process go on. */
  continue(): void {
    this.#child?.kill('SIGCONT');
  }

  /** The bytes that it uses, garbage collected first. */
  async memory(): Promise<AppMemory> {
    return (await this.#ask({ ask: 'memory' })) as AppMemory;
  }

  /** The time that it computed since it was started, in microseconds. */
  async computed(): Promise<number> {
    const { user, system } = (await this.#ask({ ask: 'cpu' })) as NodeJS.CpuUsage;
    return user + system;
  }

  /** Sets its clock so much ahead of the machine's, also for the processes to come. */
  async setClock(offsetSeconds: number): Promise<void> {
    this.#clockOffsetSeconds = offsetSeconds;
    if (this.#child) await this.#ask({ ask: 'clock', offsetSeconds });
  }

  /** What an operator does who ends everything granted by a user. */
  async revokeAll(subject: string): Promise<void> {
    await this.#ask({ ask: 'revokeAll', subject });
  }

  async #ask(question: AppQuestion): Promise<unknown> {
    const child = this.#child;
    if (!child) throw new Error('The app does not run.');
    child.send(question);
    const [{ answer }] = (await once(child, 'message')) as [AppAnswer];
    return answer;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
