import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DemoBrowser, type Page } from './demo-browser.js';
import { DemoClient, redirectUri } from './demo-client.js';

const folder = await mkdtemp(join(tmpdir(), 'local-users-demo-'));
const port = await freePort();
const url = new URL(`http://127.0.0.1:${port}/mcp`);
let running: ChildProcess | undefined;
let output = '';
let current = '';

try {
  await play();
  console.log('\nThe demo is complete: every step was observed.');
} catch (error) {
  console.error(`\nFAILED at: ${current}\n`, error);
  console.error(`\nThe output of the sample:\n${output || 'none'}`);
  process.exitCode = 1;
} finally {
  await stop();
  await rm(folder, { recursive: true, force: true });
}

async function play(): Promise<void> {
  step('The sample starts: an app with users of its own');
  await start();
  saw(`the MCP server is at ${url.href}`);

  step('A stranger is refused');
  const refused = await fetch(url, { method: 'POST' });
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get('www-authenticate') ?? '', /resource_metadata=/);
  saw('401, with a way to learn how to get in');

  step('The official client registers, and sends Alice to the browser');
  const alice = new DemoClient(url, async (authorizationUrl) => {
    const browser = new DemoBrowser(redirectUri);
    const login = await browser.open(authorizationUrl);
    assert.equal(titleOf(login), 'Log in to your notes');
    assert.equal(login.url.pathname, '/login');
    saw(`a page of the app: "${titleOf(login)}"`);

    const wrong = await browser.submit(login, { login: 'alice', password: 'hatter' });
    assert.equal(wrong.status, 401);
    assert.match(wrong.html, /That did not work/);
    saw('a wrong password: the same page again');

    const forged = { ...login, html: login.html.replace(/name="csrf" value="[^"]*"/, '') };
    const refusal = await browser.submit(forged, { login: 'alice', password: 'wonderland' });
    assert.equal(refusal.status, 401);
    saw('the right one in a form of another site: the same page again');

    const consent = await browser.submit(wrong, { login: 'alice', password: 'wonderland' });
    assert.equal(consent.url.pathname, '/consent');
    assert.match(consent.html, /You are logged in as <bdi>Alice<\/bdi>/);
    assert.match(consent.html, /Demo client/);
    assert.match(consent.html, /Read your notes/);
    saw(`the right one: "${titleOf(consent)}", which says that she is Alice`);

    const stranger = await new DemoBrowser(redirectUri).open(consent.url);
    assert.equal(stranger.status, 403);
    saw('the same page in another browser: refused');

    const answer = await browser.submit(consent, { action: 'approve' });
    assert.equal(answer.url.origin + answer.url.pathname, redirectUri);
    saw('she agrees, and is back at the client');
    return answer.url;
  });
  assert.deepEqual(await alice.callTool('my_notes'), { name: 'Alice', notes: ['Feed the cat'] });
  saw("the client reads Alice's notes");

  step('Bob, in his own browser, gets his own');
  const bob = new DemoClient(url, (authorizationUrl) => logIn(authorizationUrl, 'bob', 'builder'));
  assert.deepEqual(await bob.callTool('my_notes'), { name: 'Bob', notes: ['Call Alice'] });
  saw("the client reads Bob's notes");

  step('The sample is stopped and started again: sessions are gone, logins are not');
  await stop();
  await start();
  alice.spoilAccessToken();
  assert.equal((await alice.callTool('my_notes'))['name'], 'Alice');
  saw("Alice's client got new tokens by itself");
}

async function logIn(authorizationUrl: URL, login: string, password: string): Promise<URL> {
  const browser = new DemoBrowser(redirectUri);
  const consent = await browser.submit(await browser.open(authorizationUrl), { login, password });
  return (await browser.submit(consent, { action: 'approve' })).url;
}

function step(what: string): void {
  current = what;
  console.log(`\n${what}`);
}

function saw(what: string): void {
  console.log(`  ✓ ${what}`);
}

function titleOf({ html }: Page): string {
  return /<title>([^<]*)/.exec(html)?.[1] ?? '';
}

/** Runs the sample as `nest start` does, and waits until it says that it is ready. */
async function start(): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.js')], {
    env: { ...process.env, NO_COLOR: '1', PORT: String(port), DATA_FOLDER: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  output = '';
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes('Stop with Ctrl+C')) resolve();
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('exit', (code) => reject(new Error(`The sample ended with ${code}.`)));
    AbortSignal.timeout(30_000).addEventListener('abort', () =>
      reject(new Error('The sample is not ready after 30 seconds.')),
    );
  });
}

async function stop(): Promise<void> {
  if (!running || running.exitCode !== null || running.signalCode !== null) return;
  const ended = once(running, 'exit');
  running.kill();
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return free;
}
