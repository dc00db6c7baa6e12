import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { DocumentHost } from '../support/document-host.js';
import { ManualClock } from '../support/manual-clock.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { logIn, Printed, programOf, Sandbox } from './sandbox.js';

const program = programOf('mcp-remote', 'dist/proxy.js');

// Starting a program takes its time: each platform and each kind of issuer once.
const cases = [
  { platform: 'express', issuerPath: '' },
  { platform: 'fastify', issuerPath: '/tenant' },
] as const;

describe.each(cases)(
  'mcp-remote, with an app on $platform and the issuer path "$issuerPath"',
  ({ platform, issuerPath }) => {
    let idp: UpstreamIdp;
    let flow: ProxyFlow;
    let clock: ManualClock;
    let documents: DocumentHost;
    let sandbox: Sandbox;
    let transports: StdioClientTransport[];

    beforeAll(async () => {
      idp = await UpstreamIdp.start();
    });

    afterAll(() => idp.stop());

    beforeEach(async () => {
      clock = new ManualClock();
      documents = new DocumentHost();
      flow = await startFlow({
        idp,
        platform,
        issuerPath,
        clock,
        proxy: { clientIdMetadataDocuments: documents.options() },
      });
      sandbox = await Sandbox.create();
      transports = [];
    });

    afterEach(async () => {
      await Promise.all(transports.map((transport) => transport.close()));
      await sandbox.remove();
      await flow.close();
    });

    /** A host that starts the program, as the configuration of an MCP host says. */
    function start(...flags: readonly string[]) {
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [program, flow.app.url, '--transport', 'http-only', ...flags],
        env: sandbox.env,
        stderr: 'pipe',
      });
      transports.push(transport);
      const printed = new Printed(transport.stderr as Readable);
      const client = new Client({ name: 'host', version: '1.0.0' });
      return { client, printed, connect: () => client.connect(transport, { timeout: 20_000 }) };
    }

    async function startAndLogIn(user: string, ...flags: readonly string[]) {
      const host = start(...flags);
      const login = host.printed.authorizationUrl().then((url) => logIn(url, user));
      const [callback] = await Promise.all([login, host.connect()]);
      return { ...host, callback };
    }

    async function whoami(client: Client): Promise<unknown> {
      const { content } = await client.callTool({ name: 'whoami', arguments: {} });
      const [block] = content as readonly { readonly text: string }[];
      return JSON.parse(block?.text ?? '');
    }

    it('registers, logs in, calls tools, refreshes, and stays logged in', async () => {
      const { client, callback, printed } = await startAndLogIn('alice');
      expect(callback.searchParams.get('iss')).toBe(flow.issuer);
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(['whoami', 'add']);
      await expect(whoami(client)).resolves.toMatchObject({ extra: { subject: 'alice' } });

      const refreshes = flow.upstreamGrants('refresh_token');
      clock.advance(3601);
      await expect(whoami(client)).resolves.toMatchObject({ extra: { subject: 'alice' } });
      expect(flow.upstreamGrants('refresh_token')).toBe(refreshes + 1);
      await client.close();

      const later = start();
      await later.connect();
      await expect(whoami(later.client)).resolves.toMatchObject({ extra: { subject: 'alice' } });
      expect([...printed.authorizationUrls, ...later.printed.authorizationUrls]).toHaveLength(1);
    });

    it('logs in with a metadata document instead of a registration', async () => {
      const { id: url } = documents.publish('https://client.test/mcp-remote.json', {
        redirect_uris: ['http://localhost/oauth/callback'],
        token_endpoint_auth_method: 'none',
      });
      const { client } = await startAndLogIn('alice', '--client-metadata-url', url);
      await expect(whoami(client)).resolves.toMatchObject({
        clientId: url,
        extra: { subject: 'alice' },
      });
      expect(documents.requestsTo(url)).toBe(1);
    });

    it('logs in again when its session is over', async () => {
      const { client, printed } = await startAndLogIn('alice');
      clock.advance(31 * 86_400);
      const answer = whoami(client);
      const login = printed.authorizationUrl(2).then((url) => logIn(url, 'bob'));
      await Promise.all([
        login,
        expect(answer).resolves.toMatchObject({ extra: { subject: 'bob' } }),
      ]);
    });
  },
);
