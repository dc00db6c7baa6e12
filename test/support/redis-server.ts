import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';

const DEFAULTS = { save: '', appendonly: 'no', bind: '127.0.0.1' };

/** A `redis-server` of one test file's own, to be stopped, misconfigured and filled up. */
export class RedisServer {
  readonly port: number;
  readonly folder: string;
  #process: ChildProcess | undefined;
  #admin: Redis | undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.folder = folder;
  }

  /** Starts one with the given directives of a `redis.conf`. */
  static async start(directives: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-server-'));
    const server = new RedisServer(await freePort(), folder);
    await server.restart(directives);
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again after `stop`; with its old data if it saved them. */
  async restart(directives: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#spawn(
      { ...DEFAULTS, port: String(this.port), ...directives },
      [],
      /Ready to accept/,
    );
  }

  /** Starts a Sentinel instead that watches a master. */
  static async startSentinel(name: string, master: RedisServer): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-sentinel-'));
    const sentinel = new RedisServer(await freePort(), folder);
    const directives = {
      port: String(sentinel.port),
      bind: '127.0.0.1',
      'sentinel monitor': `${name} 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds': `${name} 1000`,
    };
    await sentinel.#spawn(directives, ['--sentinel'], /\+monitor master/);
    return sentinel;
  }

  /** Sends it a command, past the store. */
  async call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    this.#admin ??= new Redis({
      port: this.port,
      host: '127.0.0.1',
      retryStrategy: () => null,
    }).on('error', () => {});
    return this.#admin.call(command, ...args.map(String));
  }

  /** Kills it. */
  async stop(): Promise<void> {
    this.#admin?.disconnect();
    this.#admin = undefined;
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** Kills it and removes its files. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #spawn(
    directives: Readonly<Record<string, string>>,
    args: readonly string[],
    ready: RegExp,
  ): Promise<void> {
    const file = join(this.folder, 'redis.conf');
    const lines = Object.entries({ ...directives, dir: this.folder }).map(
      ([name, value]) => `${name} ${value === '' ? '""' : value}\n`,
    );
    await writeFile(file, lines.join(''));
    const child = spawn('redis-server', [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => reject(new Error(`redis-server ended: ${output}`)));
      child.stdout.on('data', (text: Buffer) => {
        output += text.toString();
        if (ready.test(output)) resolve();
      });
    });
  }
}
