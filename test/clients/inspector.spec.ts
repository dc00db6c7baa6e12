import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DocumentHost } from '../support/document-host.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { logIn, Printed, programOf, Sandbox } from './sandbox.js';

const program = programOf('@modelcontextprotocol/inspector', 'clients/launcher/build/index.js');

// Starting a program takes its time: each platform and each kind of issuer once.
const cases = [
  { platform: 'express', issuerPath: '' },
  { platform: 'fastify', issuerPath: '/tenant' },
] as const;

describe.each(cases)(
  'the command line of the Inspector, with an app on $platform and the issuer path "$issuerPath"',
  ({ platform, issuerPath }) => {
    let idp: UpstreamIdp;
    let flow: ProxyFlow;
    let clock: ManualClock;
    let documents: DocumentHost;
    let sandbox: Sandbox;

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
    });

    afterEach(async () => {
      await sandbox.remove();
      await flow.close();
    });

    /** Calls one method of the server and ends; `login` is who logs in when it asks for that. */
    async function run(flags: readonly string[], login?: string) {
      const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`;
      const options = {
        'server-url': flow.app.url,
        transport: 'http',
        'protocol-era': 'legacy',
        format: 'json',
        'callback-url': callback,
      };
      const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
      const child = spawn(process.execPath, [program, '--cli', ...given, ...flags], {
        env: {
          ...sandbox.env,
          MCP_AUTO_OPEN_ENABLED: 'true',
          // Not the keychain of whoever runs the tests.
          MCP_INSPECTOR_SECRET_STORE: 'file',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 25_000,
        killSignal: 'SIGKILL',
      });
      const printed = new Printed(child.stderr);
      const [answer] = await Promise.all([
        text(child.stdout),
        once(child, 'close'),
        login && printed.authorizationUrl().then((url) => logIn(url, login)),
      ]).finally(() => child.kill('SIGKILL'));
      if (child.exitCode !== 0) throw new Error(`It ended with ${child.exitCode}: ${printed.text}`);
      const logins = printed.authorizationUrls.length;
      return { result: (JSON.parse(answer) as { result: unknown }).result, logins };
    }

    async function whoami(flags: readonly string[], login?: string) {
      const call = ['--method', 'tools/call', '--tool-name', 'whoami'];
      const { result, logins } = await run([...call, ...flags], login);
      const { content } = result as { content: readonly { readonly text: string }[] };
      return { caller: JSON.parse(content[0]?.text ?? '') as unknown, logins };
    }

    it('registers, logs in, calls a tool, stays logged in, and refreshes', async () => {
      const first = await whoami([], 'alice');
      expect(first).toMatchObject({ caller: { extra: { subject: 'alice' } }, logins: 1 });

      const { result, logins } = await run(['--method', 'tools/list']);
      expect(result).toMatchObject({ tools: [{ name: 'whoami' }, { name: 'add' }] });
      expect(logins).toBe(0);

      const refreshes = flow.upstreamGrants('refresh_token');
      clock.advance(3601);
      const later = await whoami([]);
      expect(later).toMatchObject({ caller: { extra: { subject: 'alice' } }, logins: 0 });
      expect(flow.upstreamGrants('refresh_token')).toBe(refreshes + 1);
    });

    it('logs in with a metadata document instead of a registration', async () => {
      const { id: url } = documents.publish('https://client.test/inspector.json', {
        redirect_uris: ['http://127.0.0.1/oauth/callback'],
        token_endpoint_auth_method: 'none',
      });
      const { caller } = await whoami(['--client-metadata-url', url], 'alice');
      expect(caller).toMatchObject({ clientId: url, extra: { subject: 'alice' } });
      expect(documents.requestsTo(url)).toBe(1);
    });
  },
);
