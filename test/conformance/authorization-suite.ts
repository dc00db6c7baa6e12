import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export interface AuthorizationSuiteOptions {
  /** The issuer under test, byte-equal to the `issuer` of its metadata. */
  readonly issuer: string;
  /** A public client, registered with the redirect URI that `callbackOf(port)` tells. */
  readonly clientId: string;
  readonly port: number;
  readonly resource: string;
  /** Logs in like a user who starts at this URL; answers the callback URL it was sent to. */
  readonly walk: (authorizeUrl: string) => Promise<string>;
  /** @default 25 */
  readonly timeoutSeconds?: number;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly passed: number;
  readonly failed: number;
  readonly warnings: number;
  /** What the suite says of everything that did not pass. */
  readonly remarks: readonly string[];
}

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

type Suite = ChildProcessByStdio<null, Readable, Readable>;

const PACKAGE = '@modelcontextprotocol/conformance';

/** Runs the official suite against an authorization server; a browserless user logs in. */
export async function runAuthorizationSuite(
  options: AuthorizationSuiteOptions,
): Promise<readonly ScenarioResult[]> {
  const results = await mkdtemp(join(tmpdir(), 'conformance-'));
  const suite = startSuite(options, results);
  try {
    await driven(suite, options);
    return await readResults(results);
  } finally {
    suite.kill('SIGKILL');
    await rm(results, { recursive: true, force: true });
  }
}

/** The redirect URI the suite listens at. */
export function callbackOf(port: number): string {
  return `http://127.0.0.1:${port}/callback`;
}

function startSuite(options: AuthorizationSuiteOptions, results: string): Suite {
  const { issuer, clientId, port, resource } = options;
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
  const loader = fileURLToPath(new URL('glob-sync.loader.mjs', import.meta.url));
  const flags = {
    url: issuer,
    'client-id': clientId,
    port: `${port}`,
    resource,
    'output-dir': results,
  };
  return spawn(
    process.execPath,
    [
      '--import',
      loader,
      join(dirname(manifest), 'dist/index.js'),
      'authorization',
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: dirname(results) },
  );
}

/** Resolves when the suite has ended after the login, rejects when it could not be carried out. */
function driven(suite: Suite, options: AuthorizationSuiteOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    let isWalking = false;
    const fail = (cause: unknown): void => {
      clearTimeout(timer);
      reject(new Error(`the conformance suite did not finish:\n${output}`, { cause }));
    };
    const timer = setTimeout(fail, (options.timeoutSeconds ?? 25) * 1000, 'timeout');
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const authorizeUrl = isWalking ? undefined : printedUrl(output);
      if (authorizeUrl === undefined) return;
      isWalking = true;
      options.walk(authorizeUrl).then(visit).catch(fail);
    };
    suite.stdout.on('data', read);
    suite.stderr.on('data', read);
    suite.on('error', fail);
    suite.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The URL that a person would be asked to open, once the suite listens for the callback. */
function printedUrl(output: string): string | undefined {
  return /^(https?:\/\/\S+[?&]response_type=code\S*)$[^]*^Callback server started/m.exec(
    output,
  )?.[1];
}

async function visit(callbackUrl: string): Promise<void> {
  await (await fetch(callbackUrl)).text();
}

async function readResults(results: string): Promise<readonly ScenarioResult[]> {
  const folders = (await readdir(results)).toSorted();
  return Promise.all(folders.map((folder) => readScenario(results, folder)));
}

async function readScenario(results: string, folder: string): Promise<ScenarioResult> {
  const text = await readFile(join(results, folder, 'checks.json'), 'utf8');
  const checks = JSON.parse(text) as readonly Check[];
  const count = (status: Check['status']): number =>
    checks.filter((check) => check.status === status).length;
  return {
    // The folder is `authorization-server-<scenario>-<time>`.
    scenario: folder.replace(/^authorization-server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, ''),
    passed: count('SUCCESS'),
    failed: count('FAILURE'),
    warnings: count('WARNING'),
    remarks: checks
      .filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')
      .map(
        ({ id, status, errorMessage }) => `${status} ${id}: ${errorMessage ?? 'no reason given'}`,
      ),
  };
}
