// AT-41 of the security matrix: the sessions of the 2025 protocol, with real clients of two users.
import { All, Controller, Req, Res } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JwtVerifier, McpAuth } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { FakeIssuer } from '../support/fake-issuer.js';
import { mcpSessionHandler } from '../support/mcp-app.js';
import { connectV1, connectV2 } from '../support/mcp-clients.js';
import { type Answer, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

interface Received {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

let idp: UpstreamIdp;
let machines: FakeIssuer;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  machines = await new FakeIssuer().start();
});

afterAll(async () => {
  await machines.stop();
  await idp.stop();
});

describe.each(platforms)('a session of the 2025 protocol on %s — AT-41', (platform) => {
  const mcp = mcpSessionHandler();
  /** Who reached the handler, and in which session. */
  const reached: string[] = [];
  let flow: ProxyFlow;

  @Controller('mcp')
  @McpAuth()
  class SessionController {
    @All()
    async handle(@Req() req: Received, @Res() res: unknown): Promise<void> {
      reached.push(`${req.headers['authorization']} ${req.headers['mcp-session-id']}`);
      await mcp.handle(req, res, req.body);
    }
  }

  beforeAll(async () => {
    const { jwksUri, issuer } = machines;
    flow = await startFlow({
      idp,
      platform,
      controllers: [SessionController],
      verifiers: [new JwtVerifier({ jwksUri, issuer, audience: 'mcp' })],
    });
  });

  afterAll(async () => {
    await mcp.close();
    await flow.close();
  });

  const clients = { 'SDK v1': connectV1, 'SDK v2': connectV2 };

  async function login(connect: typeof connectV1 | typeof connectV2, user: string) {
    const connection = await connect({ url: flow.app.url, browser: new Browser(), user });
    const session = (connection.client.transport as { sessionId?: string } | undefined)?.sessionId;
    const token = connection.provider.tokens()?.access_token;
    if (session === undefined || token === undefined) throw new Error('There is no session.');
    return { connection, session, token };
  }

  function send(method: string, token: string, session: string): Promise<Answer> {
    const message = {
      jsonrpc: '2.0',
      id: 99,
      method: 'tools/call',
      params: { name: 'whoami', arguments: {} },
    };
    return flow.send(flow.app.url, {
      method,
      ...(method === 'POST' && { json: message }),
      headers: {
        authorization: `Bearer ${token}`,
        accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
        'mcp-session-id': session,
        'mcp-protocol-version': '2025-11-25',
      },
    });
  }

  async function expectForeign(token: string, session: string): Promise<void> {
    for (const method of ['POST', 'GET', 'DELETE']) {
      const answer = await send(method, token, session);
      expect([method, answer.status, answer.headers['www-authenticate']]).toEqual([
        method,
        404,
        undefined,
      ]);
      expect(answer.text).not.toContain(session);
    }
    expect(reached).not.toContain(`Bearer ${token} ${session}`);
  }

  it.each(Object.entries(clients))('is of no use to another user (%s)', async (_name, connect) => {
    const alice = await login(connect, 'alice');
    const bob = await login(connect, 'bob');
    expect(bob.session).not.toBe(alice.session);
    await expectForeign(bob.token, alice.session);
    await expectForeign(alice.token, bob.session);
    // Nobody lost anything by it.
    for (const [user, { connection, session, token }] of Object.entries({ alice, bob })) {
      expect(await connection.whoami()).toMatchObject({ extra: { subject: user } });
      expect((await send('POST', token, session)).status).toBe(200);
      await connection.close();
    }
  });

  it('is of no use to another client of the same user', async () => {
    const one = await login(connectV2, 'alice');
    const other = await login(connectV2, 'alice');
    await expectForeign(other.token, one.session);
    expect((await send('POST', one.token, one.session)).status).toBe(200);
    await one.connection.close();
    await other.connection.close();
  });

  it('is of no use to the same subject and client of another issuer — VC-07', async () => {
    const { connection, session, token } = await login(connectV2, 'alice');
    const client_id = connection.provider.clientInformation()?.client_id;
    const namesake = await machines.sign({ aud: 'mcp', sub: 'alice', client_id, scope: 'mcp:use' });
    await expectForeign(namesake, session);
    expect((await send('POST', token, session)).status).toBe(200);
    await connection.close();
  });

  it('goes on after the token was refreshed, and ends for its owner alone', async () => {
    const { connection, session, token } = await login(connectV2, 'alice');
    connection.provider.corruptAccessToken();
    expect((await connection.callTool('add', { a: 2, b: 3 })).text).toBe('5');
    const refreshed = connection.provider.tokens()?.access_token ?? '';
    expect(refreshed).not.toBe(token);
    expect((await send('POST', refreshed, session)).status).toBe(200);
    expect((await send('DELETE', refreshed, session)).status).toBe(200);
    await connection.close();
  });

  it('does not open the door: without a good token it is worth nothing', async () => {
    const { connection, session, token } = await login(connectV2, 'alice');
    expect((await send('POST', `${token}x`, session)).status).toBe(401);
    const bare = await flow.send(flow.app.url, { headers: { 'mcp-session-id': session } });
    expect(bare.status).toBe(401);
    expect(reached).not.toContain(`Bearer ${token}x ${session}`);
    expect(reached).not.toContain(`undefined ${session}`);
    expect(reached).toContain(`Bearer ${token} ${session}`);
    await connection.close();
  });
});
