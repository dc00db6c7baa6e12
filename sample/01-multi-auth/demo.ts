import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { DemoBrowser, type Page } from './demo-browser.js';

type Json = Record<string, unknown>;
type Identity = { subject?: string; source?: string; email?: string };

const folder = await mkdtemp(join(tmpdir(), 'multi-auth-demo-'));
const [port, idpPort, machinePort] = [await freePort(), await freePort(), await freePort()];
const url = `http://127.0.0.1:${port}/mcp`;
const redirectUri = 'http://127.0.0.1:9/callback';
let running: Sample | undefined;
let current = '';

try {
  await play();
  console.log('\nThe demo is complete: every step was observed.');
} catch (error) {
  console.error(`\nFAILED at: ${current}\n`, error);
  console.error(`\nThe output of the sample:\n${running?.output ?? 'none'}`);
  process.exitCode = 1;
} finally {
  await stop(running);
  await rm(folder, { recursive: true, force: true });
}

async function play(): Promise<void> {
  step('The sample starts: an app, an identity provider, and an issuer for machines');
  running = await start();
  saw(`the MCP server is at ${url}`);

  step('A stranger is refused, and told where to learn how to get in');
  const refused = await post({});
  assert.equal(refused.status, 401);
  const challenge = refused.headers.get('www-authenticate') ?? '';
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1];
  assert.ok(metadataUrl, `there is no resource_metadata in ${challenge}`);
  assert.doesNotMatch(challenge, /error=/);
  saw(`401, WWW-Authenticate: ${challenge}`);

  step('Discovery: the resource names its authorization server, and that one its endpoints');
  const resource = await json(await fetch(metadataUrl), 200);
  assert.equal(resource['resource'], url);
  const [issuer] = resource['authorization_servers'] as string[];
  assert.equal(issuer, new URL(url).origin);
  const server = await json(await fetch(`${issuer}/.well-known/oauth-authorization-server`), 200);
  assert.equal(server['issuer'], issuer);
  assert.deepEqual(server['code_challenge_methods_supported'], ['S256']);
  const endpoint = (name: string): string => String(server[`${name}_endpoint`]);
  saw(`${issuer} registers, authorizes and revokes`);

  step('Registration: the client introduces itself, nobody has to set it up');
  const registration = await fetch(endpoint('registration'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Demo client',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
    }),
  });
  const clientId = String((await json(registration, 201))['client_id']);
  saw(`client_id ${clientId}`);

  step('Consent: the user is shown who asks, and for what');
  const browser = new DemoBrowser(redirectUri);
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const authorization = new URL(endpoint('authorization'));
  authorization.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    scope: 'mcp:use',
    state,
    resource: url,
  }).toString();
  const consent = await browser.open(authorization);
  assert.equal(consent.status, 200);
  assert.match(consent.html, /Demo client/);
  assert.match(consent.html, /Use the tools of this server/);
  saw(`a page: "${titleOf(consent)}"`);

  step('Login: the user approves, and logs in at the identity provider');
  const loginPage = await browser.submit(consent, { action: 'approve' });
  assert.equal(loginPage.url.origin, `http://localhost:${idpPort}`);
  saw(`a page of ${loginPage.url.origin}: "${titleOf(loginPage)}"`);
  const answer = (await browser.submit(loginPage, { login: 'alice' })).url;
  assert.equal(answer.origin + answer.pathname, redirectUri);
  assert.equal(answer.searchParams.get('state'), state);
  assert.equal(answer.searchParams.get('iss'), issuer);
  const code = answer.searchParams.get('code');
  assert.ok(code, `there is no code in ${answer.href}`);
  saw('alice is back at the client, with a code');

  step('Token: the client redeems the code');
  const token = (form: Record<string, string>): Promise<Response> =>
    fetch(endpoint('token'), {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, resource: url, ...form }),
    });
  const redemption = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  };
  const first = await json(await token(redemption), 200);
  assert.equal(first['token_type'], 'Bearer');
  assert.equal(first['scope'], 'mcp:use');
  saw(`an access token for ${String(first['expires_in'])} s, and a refresh token`);

  step('A tool call as alice, with two generations of the MCP SDK');
  const alice = await whoami(String(first['access_token']));
  assert.equal(alice.subject, 'alice');
  assert.equal(alice.email, 'alice@example.com');
  assert.equal(alice.source, 'OAuthProxy');
  saw(`SDK v2: ${JSON.stringify(alice)}`);
  assert.equal((await whoamiV1(String(first['access_token']))).subject, 'alice');
  saw('SDK v1: the same');

  step('The sample is stopped and started again');
  await stop(running);
  running = await start();
  assert.equal((await whoami(String(first['access_token']))).subject, 'alice');
  saw('the token of before is still good');

  step('Refresh: the client that registered before the restart gets new tokens');
  const refresh = (from: Json): Promise<Response> =>
    token({ grant_type: 'refresh_token', refresh_token: String(from['refresh_token']) });
  const second = await json(await refresh(first), 200);
  assert.notEqual(second['access_token'], first['access_token']);
  assert.notEqual(second['refresh_token'], first['refresh_token']);
  assert.equal((await whoami(String(second['access_token']))).subject, 'alice');
  saw('another access token and another refresh token');

  step('A machine calls the same tool, with a token of another issuer');
  const machineToken = /Authorization: Bearer ([^']+)'/.exec(running.output)?.[1];
  assert.ok(machineToken, 'the sample printed no machine token');
  const machine = await whoami(machineToken);
  assert.equal(machine.subject, 'nightly-job');
  assert.equal(machine.source, 'machines');
  saw(JSON.stringify(machine));
  const printed = await post({ authorization: `Bearer ${machineToken}` });
  assert.equal(printed.status, 200);
  assert.match(await printed.text(), /nightly-job/);
  saw('the curl that the sample prints is answered too');

  step('Revocation: the client gives its login back');
  const revocation = await fetch(endpoint('revocation'), {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, token: String(second['refresh_token']) }),
  });
  assert.equal(revocation.status, 200);
  saw('200');

  step('Both of its tokens are refused from that moment on');
  const afterwards = await post({ authorization: `Bearer ${String(second['access_token'])}` });
  assert.equal(afterwards.status, 401);
  assert.match(afterwards.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
  saw('the access token: 401 invalid_token');
  assert.equal((await json(await refresh(second), 400))['error'], 'invalid_grant');
  saw('the refresh token: 400 invalid_grant');
  assert.equal((await whoami(machineToken)).subject, 'nightly-job');
  saw('the machine: is not concerned');
}

function step(what: string): void {
  current = what;
  console.log(`\n${what}`);
}

function saw(what: string): void {
  console.log(`  ✓ ${what}`);
}

/** The very request of the curl that the sample prints. */
function post(headers: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'whoami', arguments: {} },
    }),
  });
}

async function whoami(token: string): Promise<Identity> {
  const client = new Client(
    { name: 'demo', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  const transport = new StreamableHTTPClientTransport(new URL(url), bearer(token));
  await client.connect(transport);
  try {
    return identityIn(await client.callTool({ name: 'whoami', arguments: {} }));
  } finally {
    await client.close();
  }
}

async function whoamiV1(token: string): Promise<Identity> {
  const client = new ClientV1({ name: 'demo', version: '1.0.0' });
  const transport = new TransportV1(new URL(url), bearer(token));
  await client.connect(transport);
  try {
    return identityIn(await client.callTool({ name: 'whoami', arguments: {} }));
  } finally {
    await client.close();
  }
}

function bearer(token: string): { requestInit: RequestInit } {
  return { requestInit: { headers: { authorization: `Bearer ${token}` } } };
}

function identityIn(result: unknown): Identity {
  const { content } = result as { content: readonly { readonly text: string }[] };
  return JSON.parse(content[0]?.text ?? '{}') as Identity;
}

async function json(response: Response, status: number): Promise<Json> {
  const body = await response.text();
  assert.equal(response.status, status, `${response.url} answered ${response.status}: ${body}`);
  return JSON.parse(body) as Json;
}

function titleOf({ html }: Page): string {
  return /<title>([^<]*)/.exec(html)?.[1] ?? '';
}

interface Sample {
  readonly process: ChildProcess;
  output: string;
}

/** Runs the sample as `npm start` does, and waits until it says that it is ready. */
async function start(): Promise<Sample> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.js')], {
    env: {
      ...process.env,
      NO_COLOR: '1',
      PORT: String(port),
      IDP_PORT: String(idpPort),
      MACHINE_ISSUER_PORT: String(machinePort),
      DATA_FOLDER: folder,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const sample: Sample = { process: child, output: '' };
  running = sample;
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      sample.output += chunk.toString();
      if (sample.output.includes('Stop with Ctrl+C')) resolve();
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('exit', (code) => reject(new Error(`The sample ended with ${code}.`)));
    AbortSignal.timeout(30_000).addEventListener('abort', () =>
      reject(new Error('The sample is not ready after 30 seconds.')),
    );
  });
  return sample;
}

async function stop(sample: Sample | undefined): Promise<void> {
  if (!sample || sample.process.exitCode !== null || sample.process.signalCode !== null) return;
  const ended = once(sample.process, 'exit');
  sample.process.kill();
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
