import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export interface ScenarioResult {
  readonly scenario: string;
  readonly passed: number;
  readonly failed: number;
  readonly warnings: number;
  /** What the suite says of everything that did not pass. */
  readonly remarks: readonly string[];
}

/** A run of the official suite. */
export type Suite = ChildProcessByStdio<null, Readable, Readable>;

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

const PACKAGE = '@modelcontextprotocol/conformance';

/**
 * Starts the official suite in one of its modes and answers what it wrote about every scenario, once
 * `drive` is done with it. However that ends, nothing is left of the process and of its results.
 */
export async function withSuite<T>(
  mode: 'authorization' | 'client',
  flags: Readonly<Record<string, string>>,
  drive: (suite: Suite) => Promise<T>,
): Promise<{ readonly driven: T; readonly results: readonly ScenarioResult[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const suite = startSuite(mode, { ...flags, 'output-dir': folder });
  try {
    const driven = await drive(suite);
    return { driven, results: await readResults(folder) };
  } finally {
    suite.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

function startSuite(mode: string, flags: Readonly<Record<string, string>>): Suite {
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
  return spawn(
    process.execPath,
    [
      '--import',
      fileURLToPath(new URL('glob-sync.loader.mjs', import.meta.url)),
      join(dirname(manifest), 'dist/index.js'),
      mode,
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: tmpdir() },
  );
}

async function readResults(folder: string): Promise<readonly ScenarioResult[]> {
  const files = (await readdir(folder, { recursive: true }))
    .filter((file) => file.endsWith('checks.json'))
    .toSorted();
  return Promise.all(files.map((file) => readScenario(folder, file)));
}

async function readScenario(folder: string, file: string): Promise<ScenarioResult> {
  const checks = JSON.parse(await readFile(join(folder, file), 'utf8')) as readonly Check[];
  const count = (status: Check['status']): number =>
    checks.filter((check) => check.status === status).length;
  return {
    // The folder is `authorization-server-<scenario>-<time>` or `<group>/<scenario>-<time>`.
    scenario: dirname(file)
      .replace(/^authorization-server-/, '')
      .replace(/-\d{4}-\d\d-\d\dT.*$/, ''),
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
