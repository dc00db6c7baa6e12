// How much an endpoint reads of what is sent to it, and what becomes of the connection.
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { expectInvariants, expectStoreUntouched } from '../support/outcomes.js';
import { eventually } from '../support/eventually.js';
import { type Answer, jsonOf, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const form = 'application/x-www-form-urlencoded';
const endpoints = ['/authorize', '/consent', '/token', '/revoke', '/register'] as const;
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('bodies on %s', (platform) => {
  let flow: ProxyFlow;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform });
  });

  afterAll(() => flow.close());

  const typeOf = (path: string): string => (path === '/register' ? 'application/json' : form);

  const post = (path: string, body: string): Promise<Answer> =>
    flow.send(path, { method: 'POST', body, headers: { 'content-type': typeOf(path) } });

  const fields = (count: number): string =>
    Array.from({ length: count }, (_, i) => `f${i}=`).join('&');

  const members = (count: number): string =>
    `{${Array.from({ length: count }, (_, i) => `"f${i}":""`).join()}}`;

  describe.each(endpoints)('to %s', (path) => {
    const isJson = path === '/register';

    it.each([
      ['of a megabyte', isJson ? `{"a":"${'x'.repeat(1e6)}"}` : `a=${'x'.repeat(1e6)}`],
      ['of 65 kB', isJson ? `{"a":"${'x'.repeat(65_600)}"}` : `a=${'x'.repeat(65_600)}`],
      ['with 100,000 members', isJson ? members(1e5) : fields(1e5)],
      ['with 2,000 members', isJson ? members(2000) : fields(2000)],
      [
        'that nests 30,000 deep',
        isJson ? `${'{"a":'.repeat(3e4)}1${'}'.repeat(3e4)}` : `a${'[a]'.repeat(2e4)}=1`,
      ],
    ])('are refused when %s — DS-01', async (_name, body) => {
      const answer = await expectStoreUntouched(flow, () => post(path, body));
      expectInvariants(answer, { issuer: flow.issuer });
      expect([400, 401, 413]).toContain(answer.status);
      expect(answer.headers['location']).toBeUndefined();
    });

    it('that seem to have no end hold up nobody, and are refused — DS-01', async () => {
      const { host, hostname, port } = new URL(flow.app.origin);
      const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${typeOf(path)}\r\n`;
      const sender = new EndlessSender(connect(Number(port), hostname));
      sender.begin(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      await sender.sent(4 * 1024 ** 2);
      expect((await flow.tryRegister()).status).toBe(201);
      const answer = await expectStoreUntouched(flow, () => sender.end());
      expect(answer).toMatch(/^HTTP\/1\.1 (?:400|413) /);
      expect(answer).not.toMatch(/\r\nlocation:/i);
    });
  });

  it('that are just small enough are taken, and the app serves on — DS-01', async () => {
    const fillers = Array.from({ length: 60 }, (_, i) => `f${i}=${'x'.repeat(1000)}`).join('&');
    const answer = await flow.tryRegister({ contacts: [fillers] });
    expect(answer.status).toBe(201);
    const token = await post('/token', `grant_type=refresh_token&client_id=nobody&${fillers}`);
    expect(token.status).toBe(401);
    expect(jsonOf(token)).toMatchObject({ error: 'invalid_client' });
    const { access_token } = await flow.tokensFor(await flow.register());
    expect(await flow.isAccepted(access_token)).toBe(true);
  });
});

/** Sends chunk after chunk until it is told to end, or the other side has had enough. */
class EndlessSender {
  #text = '';
  #isOver = false;

  constructor(private readonly socket: Socket) {
    const over = (): void => void (this.#isOver = true);
    socket.on('data', (data) => (this.#text += data.toString()));
    socket.on('error', over).on('close', over).on('end', over);
  }

  begin(head: string): void {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const more = (): void => {
      if (this.#isOver) return;
      if (this.socket.write(chunk)) setImmediate(more);
      else this.socket.once('drain', more);
    };
    this.socket.write(head, more);
  }

  /** Waits until so much is sent, or no more is taken. */
  async sent(bytes: number): Promise<void> {
    await eventually(() => this.#isOver || this.socket.bytesWritten > bytes, 'enough was sent');
  }

  /** Ends the body, and gives what was answered. */
  async end(): Promise<string> {
    if (!this.#isOver) this.socket.write('0\r\n\r\n');
    this.#isOver = true;
    await eventually(() => this.#text.includes('\r\n\r\n'), 'an answer came');
    this.socket.destroy();
    return this.#text;
  }
}
