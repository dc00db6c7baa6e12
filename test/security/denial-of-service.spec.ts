// Requests that are slow, huge, or made to be slow to read: CVE-2026-0621, CWE-1333, CWE-400.
import { connect, type Socket } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { expectInvariants, expectLocalRefusal } from '../support/outcomes.js';
import { type Answer, type ProxyFlow, startFlow, type TestClient } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('hostile requests on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
    client = await flow.register();
  });

  afterAll(() => flow.close());

  it('that never end keep nobody else waiting — DS-02', async () => {
    const { hostname, port } = new URL(flow.issuer);
    const slow = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        opened(hostname, Number(port), [
          i % 2 ? 'POST /token HTTP/1.1' : 'POST /register HTTP/1.1',
          `Host: ${hostname}:${port}`,
          i % 2
            ? 'Content-Type: application/x-www-form-urlencoded'
            : 'Content-Type: application/json',
          // A head that does not end, or a body that does not.
          ...(i % 3 ? ['Content-Length: 1000', '', 'grant_type='] : ['X-Slow: 1']),
        ]),
      ),
    );
    expect(await flow.isAccepted((await flow.tokensFor(client)).access_token)).toBe(true);
    for (const socket of slow) socket.destroy();
  });

  const long = 64 * 1024;
  const hostile = {
    'one letter': 'a'.repeat(long),
    'open brackets': '('.repeat(long),
    spaces: ' '.repeat(long),
    'commas and quotes': ',"\\'.repeat(long / 4),
    'slashes and dots': '/..'.repeat(long / 3),
    escapes: '%2e%2E'.repeat(long / 6),
    'labels of a host': `https://${'a.'.repeat(long / 2)}`,
    stars: '*'.repeat(long),
    'nested JSON': '['.repeat(long),
  };

  it.each(Object.entries(hostile))(
    'made of 64 kB of %s are answered like others — DS-06',
    async (_name, text) => {
      // What fits a request line of 16 kB once it is escaped.
      const part = text.slice(0, 4000);
      const answers: readonly Answer[] = await Promise.all([
        flow.tryRegister({ redirect_uris: [text] }),
        flow.tryRegister({ scope: text }),
        flow.tryRegister({ client_name: text, client_uri: text }),
        flow.send('/register', {
          method: 'POST',
          body: text,
          headers: { 'content-type': 'application/json' },
        }),
        flow.send('/token', {
          form: { grant_type: part, client_id: part, code: part, code_verifier: part },
        }),
        flow.authorize(flow.authorizationRequest(client).with({ scope: part })),
        flow.authorize(flow.authorizationRequest(client).with({ resource: part })),
        flow.authorize(flow.authorizationRequest(client).with({ redirect_uri: part })),
        flow.authorize(flow.authorizationRequest(client).with({ client_id: part })),
      ]);
      for (const answer of answers) {
        expect(answer.status).toBeGreaterThanOrEqual(300);
        expectInvariants(answer, { issuer: flow.issuer, state: stateOf(answer) });
      }
      const printable = text.slice(0, 7000).replace(/[^\x21-\x7e]/g, 'x');
      for (const headers of [
        { authorization: `Bearer ${printable}` },
        { authorization: printable },
        { authorization: `Bearer x`, cookie: printable },
      ]) {
        const answer = await flow.send('/mcp', { json: {}, headers });
        expect([400, 401]).toContain(answer.status);
      }
      const cookies = { cookie: printable, 'accept-language': printable };
      expect((await flow.send('/consent?txn=x', { headers: cookies })).status).toBe(400);
    },
  );

  it.each([
    ['a form', '/token', 'application/x-www-form-urlencoded'],
    ['a registration', '/register', 'application/json'],
  ])(
    'that hide a long body in a compressed one are refused: %s — DS-10',
    async (_n, path, type) => {
      const inner = path === '/token' ? `grant_type=${'a'.repeat(5e6)}` : `["${'a'.repeat(5e6)}"]`;
      const { status, text } = await compressed(flow, path, type, gzipSync(inner));
      expect([400, 413, 415]).toContain(status);
      expect(text).toContain('"error"');
      // A short one is no better off: what is compressed is not read, or read as it is.
      const small = await compressed(flow, path, type, gzipSync('grant_type=refresh_token'));
      expect([400, 415]).toContain(small.status);
    },
  );

  it('with a cookie that is too long get a clear answer, and with a long one a login — DS-12', async () => {
    const request = flow.authorizationRequest(client);
    const bomb = (bytes: number) => ({ cookie: `tossed=${'x'.repeat(bytes)}` });
    expect((await flow.authorize(request, bomb(8000))).status).toBe(302);
    expect((await flow.authorize(request, bomb(20_000))).status).toBe(431);
    expectLocalRefusal(await flow.send('/consent?txn=x', { headers: bomb(8000) }), flow);
  });
});

describe('the work of a request', () => {
  it('has no key derivation or generation, which belong to the boot — DS-07', () => {
    const lib = join(import.meta.dirname, '..', '..', 'lib');
    const costly = /\b(?:pbkdf2|scrypt|argon2|bcrypt|generateKeyPair)(?:Sync)?\b|\bgenerateKey\b/i;
    const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(
      (f) => f.endsWith('.ts') && !f.endsWith('.spec.ts'),
    );
    expect(files.length).toBeGreaterThan(100);
    const found = files.filter((f) => costly.test(readFileSync(join(lib, f), 'utf8')));
    expect(found).toEqual([]);
  });
});

function stateOf(answer: Answer): string | undefined {
  const location = String(answer.headers['location'] ?? '');
  return URL.canParse(location)
    ? (new URL(location).searchParams.get('state') ?? undefined)
    : undefined;
}

async function compressed(
  flow: ProxyFlow,
  path: string,
  type: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<{ status: number; text: string }> {
  const response = await fetch(flow.issuer + path, {
    method: 'POST',
    headers: { 'content-type': type, 'content-encoding': 'gzip' },
    body,
  });
  return { status: response.status, text: await response.text() };
}

async function opened(host: string, port: number, lines: readonly string[]): Promise<Socket> {
  const socket = connect(port, host);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(lines.join('\r\n'));
  return socket;
}
