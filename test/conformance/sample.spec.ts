import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { callbackOf, runAuthorizationSuite } from './authorization-suite.js';

const root = join(import.meta.dirname, '../..');

type LogIn = (browser: Browser, url: string, stopAt: string) => ReturnType<Browser['open']>;

const atProvider: LogIn = async (browser, url, stopAt) => {
  const consent = await browser.open(url, { stopAt });
  const login = await browser.approve(consent, stopAt);
  return browser.submit(login, { button: 'login=alice' }, {}, { stopAt });
};

const atApp: LogIn = async (browser, url, stopAt) => {
  const login = await browser.open(url, { stopAt });
  const consent = await browser.submit(login, 0, { login: 'alice', password: 'wonderland' });
  return browser.approve(consent, stopAt);
};

describe('the official authorization suite against the samples', () => {
  let sample: ChildProcess | undefined;
  let folder: string;

  afterEach(async () => {
    sample?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['01-multi-auth', '', atProvider],
    ['01-multi-auth', '/tenant', atProvider],
    ['02-local-users', '', atApp],
    ['02-local-users', '/tenant', atApp],
  ])('passes both scenarios: %s, with the issuer path "%s"', async (name, path, logIn) => {
    folder = await mkdtemp(join(tmpdir(), 'sample-'));
    const appPort = await freePort();
    const issuer = `http://127.0.0.1:${appPort}${path}`;
    sample = await startSample(name, {
      PORT: String(appPort),
      IDP_PORT: String(await freePort()),
      MACHINE_ISSUER_PORT: String(await freePort()),
      DATA_FOLDER: folder,
      BASE_URL: issuer,
    });
    const port = await freePort();
    const results = await runAuthorizationSuite({
      issuer,
      clientId: await register(issuer, callbackOf(port)),
      port,
      resource: `${issuer}/mcp`,
      walk: async (url) => (await logIn(new Browser(), url, callbackOf(port))).url,
    });
    const clean = { failed: 0, warnings: 0, remarks: [] };
    expect(results).toEqual([
      { scenario: 'authorization-code-grant', passed: 1, ...clean },
      { scenario: 'authorization-server-metadata-endpoint', passed: 2, ...clean },
    ]);
  });
});

/** The sample as `npm start` runs it, but for the build. */
async function startSample(name: string, env: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ['--import', './test/support/ts-loader.mjs', `sample/${name}/main.ts`],
    { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes('Stop with Ctrl+C')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`The sample ended:\n${output}`)));
  });
  return child;
}

async function register(issuer: string, redirectUri: string): Promise<string> {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'Conformance', redirect_uris: [redirectUri] }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { client_id: string }).client_id;
}
