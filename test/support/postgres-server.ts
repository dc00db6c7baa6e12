import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const installed = '/usr/lib/postgresql';
const versions = existsSync(installed) ? readdirSync(installed).map(Number) : [];
const programs = join(installed, `${Math.max(...versions)}`, 'bin');

/** Tells whether the programs of a PostgreSQL server are on this machine. */
export const hasPostgresServer = versions.length > 0;

/** A PostgreSQL server of a test's own, which asks for a password and may be killed. */
export class PostgresServer {
  readonly password = 'password-of-the-test#server';

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  /** Of an encoding that has few letters, as old databases are. */
  static async start(): Promise<PostgresServer> {
    const folder = (await run('mktemp', ['-d'])).trim();
    const server = new PostgresServer(folder, await freePort());
    const secret = `printf %s '${server.password}' > ${folder}/password`;
    await run('sh', ['-c', secret]);
    const options = ['-U', 'test', '-A', 'scram-sha-256', '--pwfile', `${folder}/password`];
    const encoding = ['-E', 'LATIN1', '--locale', 'C', '--no-sync'];
    await run(join(programs, 'initdb'), ['-D', `${folder}/data`, ...options, ...encoding]);
    await server.restart();
    return server;
  }

  url(password: string = this.password): string {
    return `postgres://test:${encodeURIComponent(password)}@127.0.0.1:${this.port}/postgres`;
  }

  /** Without a shutdown, as when the power fails. */
  async kill(): Promise<void> {
    await this.#control('stop', '-m', 'immediate');
  }

  async restart(): Promise<void> {
    const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${this.folder}`];
    const flags = settings.map((setting) => `-c ${setting}`).join(' ');
    await this.#control('start', '-l', `${this.folder}/log`, '-o', `-p ${this.port} ${flags}`);
  }

  async stop(): Promise<void> {
    await this.kill().catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true });
  }

  async #control(action: string, ...rest: readonly string[]): Promise<void> {
    await run(join(programs, 'pg_ctl'), [action, '-w', '-D', `${this.folder}/data`, ...rest]);
  }
}

/** PostgreSQL refuses to run as root, so root runs it as the user of its package. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const isRoot = userInfo().uid === 0;
  const command = isRoot ? ['runuser', '-u', 'postgres', '--', program] : [program];
  const [first = '', ...rest] = [...command, ...args];
  const { stdout } = await promisify(execFile)(first, rest, { cwd: '/' });
  return stdout;
}
