import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { runAuthorizationSuite } from './authorization-suite.js';
import type { ScenarioResult } from './suite-process.js';

/** What the authorization server under test sends with its tokens. */
interface ServerUnderTest {
  readonly tokenHeaders: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const NO_STORE = { 'cache-control': 'no-store' };

describe('the driver of the official authorization suite', () => {
  let server: Server | undefined;

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function start(behaviour: ServerUnderTest): Promise<string> {
    const listening = createServer();
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
    listening.on('request', (request: IncomingMessage, response: ServerResponse) =>
      answer(issuer, behaviour, request, response),
    );
    return issuer;
  }

  it('reports every check of a conforming server as passed', async () => {
    const results = await judge(await start({ tokenHeaders: NO_STORE }));
    expect(results).toEqual([
      { scenario: 'authorization-code-grant', passed: 1, failed: 0, warnings: 0, remarks: [] },
      {
        scenario: 'authorization-server-metadata-endpoint',
        passed: 2,
        failed: 0,
        warnings: 0,
        remarks: [],
      },
    ]);
  });

  it('reports a token answer that may be cached as failed', async () => {
    const [grant] = await judge(await start({ tokenHeaders: {} }));
    expect(grant).toMatchObject({ scenario: 'authorization-code-grant', passed: 0, failed: 1 });
    expect(grant?.remarks.join()).toMatch(/cache-control/i);
  });

  it('reports missing support of client ID metadata documents as a warning', async () => {
    const metadata = { client_id_metadata_document_supported: false };
    const [, document] = await judge(await start({ tokenHeaders: NO_STORE, metadata }));
    expect(document).toMatchObject({ passed: 1, failed: 0, warnings: 1 });
  });

  it('rejects when the login cannot be carried out', async () => {
    const issuer = await start({ tokenHeaders: NO_STORE });
    const stuck = judge(issuer, () => Promise.reject(new Error('no such button')));
    await expect(stuck).rejects.toMatchObject({ cause: new Error('no such button') });
  });
});

async function judge(issuer: string, walk = followOnce): Promise<readonly ScenarioResult[]> {
  return runAuthorizationSuite({
    issuer,
    clientId: 'conformance',
    port: await freePort(),
    resource: 'https://mcp.example.com/mcp',
    walk,
  });
}

async function followOnce(authorizeUrl: string): Promise<string> {
  const response = await fetch(authorizeUrl, { redirect: 'manual' });
  return response.headers.get('location') ?? '';
}

function answer(
  issuer: string,
  { tokenHeaders, metadata }: ServerUnderTest,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname, searchParams } = new URL(request.url ?? '', issuer);
  const json = (body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
  if (pathname === '/.well-known/oauth-authorization-server') {
    json({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      client_id_metadata_document_supported: true,
      ...metadata,
    });
  } else if (pathname === '/authorize') {
    const callback = new URL(searchParams.get('redirect_uri') ?? '');
    callback.searchParams.set('code', 'code-1');
    callback.searchParams.set('state', searchParams.get('state') ?? '');
    response.writeHead(302, { location: callback.href }).end();
  } else {
    json({ access_token: 'token-1', token_type: 'Bearer' }, tokenHeaders);
  }
}
