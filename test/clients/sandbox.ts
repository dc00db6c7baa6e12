import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';
import { Browser } from '../support/browser.js';

/** A program of a package, by its path inside of it. */
export function programOf(name: string, path: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return join(dirname(manifest), path);
}

/** Where a client program runs: a home of its own, no browser, and no way off the machine. */
export class Sandbox {
  static async create(): Promise<Sandbox> {
    const home = await mkdtemp(join(tmpdir(), 'mcp-client-'));
    const source = fileURLToPath(new URL('../support/loopback-only.ts', import.meta.url));
    const { code } = await transformFile(source, {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    });
    await writeFile(join(home, 'loopback-only.mjs'), code);
    return new Sandbox(home);
  }

  private constructor(readonly home: string) {}

  get env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.home,
      // A program that does nothing, in the place of the browser.
      BROWSER: 'true',
      NODE_OPTIONS: `--import "${join(this.home, 'loopback-only.mjs')}"`,
    };
  }

  async remove(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}

/** What a program prints, and the authorization requests it asks its user to open. */
export class Printed {
  text = '';
  readonly #waiting = new Set<() => void>();

  /** Reads the stream from now on. */
  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
      for (const wake of this.#waiting) wake();
    });
  }

  get authorizationUrls(): readonly string[] {
    return this.text.match(/https?:\/\/\S+[?&]response_type=code\S*(?=\s)/g) ?? [];
  }

  /** The authorization request that the program prints, by default its first, within 20 seconds. */
  authorizationUrl(count = 1): Promise<string> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`No authorization request was printed:\n${this.text}`));
      }, 20_000);
      const look = (): void => {
        const url = this.authorizationUrls[count - 1];
        if (url === undefined) return;
        stop();
        resolve(url);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/**
 * Does what the user of a program would: logs in, and comes back to the program's own callback, whose
 * URL it answers.
 */
export async function logIn(authorizationUrl: string, user: string): Promise<URL> {
  const redirectUri = new URL(authorizationUrl).searchParams.get('redirect_uri') ?? '';
  const visit = await new Browser().walk(authorizationUrl, { user, stopAt: redirectUri });
  if (!visit.stopped) throw new Error(`The login ended on ${visit.url}: ${visit.html}`);
  await deliver(visit.url);
  return new URL(visit.url);
}

/** Some programs begin to listen a little after they have sent the user away. */
async function deliver(callback: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      await (await fetch(callback)).text();
      return;
    } catch (error) {
      const { code } = (error as { cause?: { code?: string } }).cause ?? {};
      if (code !== 'ECONNREFUSED') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Nothing listens at ${callback}`);
}
