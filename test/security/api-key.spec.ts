// API keys beside tokens: where they may come, and that nothing else comes in there with them.
import { All, Controller, Get, Req, Res } from '@nestjs/common';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccessToken,
  type ApiKey,
  ApiKeyVerifier,
  generateApiKey,
  McpAuth,
  MultiAuthModule,
  RequireScopes,
} from '../../lib/index.js';
import { createApp, moduleOf, platforms } from '../support/app.js';
import { apiKey, EverySource, keyHeader, opaqueSources } from '../support/every-source.js';
import { mcpSessionHandler } from '../support/mcp-app.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('an API key on %s', (platform) => {
  let every: EverySource;

  beforeAll(async () => {
    every = await EverySource.start({ idp, platform });
  });

  afterAll(() => every.close());

  const send = (headers: Record<string, string>) =>
    every.main.outcomeOf(() => every.main.call('/mcp', headers), headers[keyHeader]);

  it('is accepted in the Authorization header and in the one it was given', async () => {
    expect(await every.main.present(apiKey.key)).toBe('accepted');
    expect(await send({ [keyHeader]: apiKey.key })).toBe('accepted');
    expect(every.main.door.seen).toMatchObject({
      source: 'api-key',
      clientId: 'key-client',
      subject: 'key-owner',
      scopes: ['mcp:use'],
    });
  });

  it('comes alone: two credentials are refused, whichever are good — AT-04', async () => {
    const authorization = `Bearer ${apiKey.key}`;
    for (const headers of [
      { [keyHeader]: apiKey.key, authorization },
      { [keyHeader]: apiKey.key, authorization: 'Bearer other-token' },
      { [keyHeader]: 'acme_nothing', authorization },
      { [keyHeader]: apiKey.key, authorization: 'Basic YTpi' },
      { [keyHeader]: apiKey.key, authorization: 'Bearer a b' },
      { [keyHeader]: `${apiKey.key}, ${apiKey.key}` },
      { [keyHeader]: `Bearer ${apiKey.key}` },
    ]) {
      expect([headers, await send(headers)]).toEqual([headers, 'B400']);
    }
    expect(await repeated(every.main.flow.app.url)).toBe(400);
    expect(await send({ authorization })).toBe('accepted');
    expect(await send({ [keyHeader]: '', authorization })).toBe('accepted');
  });

  it('opens its header to no other token — AT-20', async () => {
    const tokens = [
      ...every.jwts.map(({ genuine }) => genuine),
      ...opaqueSources.map(({ token }) => token).filter((token) => token !== apiKey.key),
    ];
    const asked = every.custom.asked.length;
    for (const token of tokens) expect(await send({ [keyHeader]: token })).toBe('B401i');
    expect(every.custom.asked).toHaveLength(asked);
    // Nor does it come in by a header that nobody named.
    expect(await send({ 'x-other-key': apiKey.key })).toBe('B401');
  });

  it('that is wrong in any way is one more bad token — AT-17, VC-15', async () => {
    const stranger = generateApiKey({ prefix: 'acme' });
    const { key } = apiKey;
    const [, , secret = ''] = stranger.key.split('_');
    for (const bad of [
      stranger.key,
      `acme_${apiKey.id}_${secret}`,
      key.slice(0, -1),
      key.toUpperCase(),
      key.replace('acme', 'acmf'),
      `${key}.${key}`,
      'acme_',
    ]) {
      expect([bad, await every.main.present(bad)]).toEqual([bad, 'B401i']);
      expect([bad, await send({ [keyHeader]: bad })]).toEqual([bad, 'B401i']);
    }
  });

  it('that is mistyped is shown to no other source', async () => {
    const asked = every.custom.asked.length;
    expect(await every.main.present(apiKey.key.slice(0, -1))).toBe('B401i');
    expect(every.custom.asked).toHaveLength(asked);
    expect(await every.main.present('an-opaque-token-of-somebody')).toBe('B401i');
    expect(every.custom.asked).toHaveLength(asked + 1);
  });
});

describe.each(platforms)('API keys that a function finds on %s', (platform) => {
  const keys = new Map<string, ApiKey>();
  let fault: (() => never) | undefined;
  const mcp = mcpSessionHandler();

  @Controller('mcp')
  @McpAuth()
  class SessionController {
    @All()
    async handle(@Req() req: { body?: unknown }, @Res() res: unknown): Promise<void> {
      await mcp.handle(req, res, req.body);
    }
  }

  @Controller('who')
  @McpAuth()
  class WhoController {
    @Get()
    who(@AccessToken('source') source: string, @AccessToken() token: AccessToken): object {
      return { source, clientId: token.clientId, subject: token.subject, claims: token.claims };
    }

    @Get('admin')
    @RequireScopes('admin')
    admin(): string {
      return 'for administrators';
    }
  }

  let app: Awaited<ReturnType<typeof createApp>>;

  beforeAll(async () => {
    const verifier = new ApiKeyVerifier({
      name: 'keys',
      prefix: 'acme',
      header: 'X-Api-Key',
      keys: async (id) => (fault ? fault() : keys.get(id)),
    });
    const imports = [MultiAuthModule.forRoot({ verifiers: verifier })];
    app = await createApp(
      moduleOf({ imports, controllers: [SessionController, WhoController] }),
      platform,
    );
  });

  afterAll(async () => {
    await mcp.close();
    await app.close();
  });

  /** Makes a key that counts from now on. */
  function issue(owner: Partial<ApiKey> = {}): string {
    const { key, id, hash } = generateApiKey({ prefix: 'acme' });
    keys.set(id, { hash, subject: 'alice', ...owner });
    return key;
  }

  const get = (key: string, path = '/who') =>
    fetch(app.url + path, { headers: { 'x-api-key': key } });

  it('tell the handler which source accepted, and whose key it is', async () => {
    const key = issue({ claims: { plan: 'pro' } });
    const answer = await get(key);
    expect(await answer.json()).toEqual({
      source: 'keys',
      clientId: key.split('_')[1],
      subject: 'alice',
      claims: { plan: 'pro' },
    });
  });

  it('are revoked at once', async () => {
    const key = issue();
    expect((await get(key)).status).toBe(200);
    keys.clear();
    expect((await get(key)).status).toBe(401);
  });

  it('are challenged as bearer tokens are, and lack scopes as they do — AT-31', async () => {
    expect((await get(issue({ scopes: ['admin'] }), '/who/admin')).status).toBe(200);
    const tooFew = await get(issue({ scopes: ['user'] }), '/who/admin');
    expect([tooFew.status, tooFew.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringMatching(/^Bearer error="insufficient_scope".*scope="admin"/),
    ]);
    const wrong = await get(generateApiKey({ prefix: 'acme' }).key);
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/);
    const none = await fetch(`${app.url}/who`);
    expect(none.headers.get('www-authenticate')).not.toContain('error');
  });

  it('are nobody’s to judge while they cannot be looked up — VC-02', async () => {
    const key = issue();
    fault = () => {
      throw new Error(`no such table: keys of ${key}`);
    };
    const answer = await get(key);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(await answer.text()).not.toContain('table');
    fault = undefined;
    expect((await get(key)).status).toBe(200);
  });

  it('hold their sessions against each other — AT-41', async () => {
    const [one, two] = [issue(), issue()];
    const call = (key: string, method: string, params: object, session?: string) =>
      fetch(`${app.url}/mcp`, {
        method: 'POST',
        headers: {
          'x-api-key': key,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(session !== undefined && { 'mcp-session-id': session }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      });
    const clientInfo = { name: 'robot', version: '1' };
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    const opened = await call(one, 'initialize', hello);
    const session = opened.headers.get('mcp-session-id') ?? 'none';
    expect((await call(two, 'tools/list', {}, session)).status).toBe(404);
    expect((await call(one, 'tools/list', {}, session)).status).toBe(200);
  });
});

/** Sends the key in two headers of the same name, and answers the status. */
function repeated(url: string): Promise<number | undefined> {
  const headers = ['Host', new URL(url).host, keyHeader, apiKey.key, keyHeader, apiKey.key];
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers }, (response) => {
      resolve(response.resume().statusCode);
    })
      .on('error', reject)
      .end();
  });
}
