// RFC 8414 §2, §3: who the server is, apart from where its endpoints are.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { ConfigurationError } from '../../../lib/index.js';
import { platforms } from '../../support/app.js';
import { Browser } from '../../support/browser.js';
import { freePort } from '../../support/free-port.js';
import { connectV1, connectV2 } from '../../support/mcp-clients.js';
import { jsonOf, type ProxyFlow, startFlow } from '../../support/proxy-flow.js';
import { UpstreamIdp } from '../../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a server whose issuer is another URL, on %s', (platform) => {
  let flow: ProxyFlow;
  let issuerUrl: string;

  beforeAll(async () => {
    const port = await freePort();
    issuerUrl = `http://127.0.0.1:${port}/identity`;
    flow = await startFlow({
      idp,
      platform,
      port,
      issuerPath: '/auth',
      // One slash at its end is no other issuer.
      proxy: { issuerUrl: `${issuerUrl}/` },
    });
  });

  afterAll(() => flow.close());

  it('publishes its document where the issuer says, with endpoints where the app is', async () => {
    const { origin } = flow.app;
    const document = await flow.send(`${origin}/.well-known/oauth-authorization-server/identity`);
    expect(jsonOf(document)).toMatchObject({
      issuer: issuerUrl,
      authorization_endpoint: `${origin}/auth/authorize`,
      token_endpoint: `${origin}/auth/token`,
      registration_endpoint: `${origin}/auth/register`,
      revocation_endpoint: `${origin}/auth/revoke`,
    });
    const other = await flow.send(`${origin}/.well-known/oauth-authorization-server/auth`);
    expect(other.status).toBe(404);
    const resource = await flow.send(`${origin}/.well-known/oauth-protected-resource/mcp`);
    expect(jsonOf(resource)).toMatchObject({ authorization_servers: [issuerUrl] });
  });

  it('names itself in answers and tokens', async () => {
    const client = await flow.register();
    const held = await flow.codeFor(client);
    expect(held.callback.searchParams.getAll('iss')).toEqual([issuerUrl]);
    const { access_token: token } = jsonOf(await flow.redeem(held)) as { access_token: string };
    expect(decodeJwt(token).iss).toBe(issuerUrl);
    expect(await flow.isAccepted(token)).toBe(true);
  });

  it.each([
    ['v1', connectV1],
    ['v2', connectV2],
  ] as const)('is found by the MCP SDK %s', async (_name, connect) => {
    const connection = await connect({ url: flow.app.url, browser: new Browser() });
    expect((await connection.callTool('whoami')).isError).toBe(false);
    await connection.close();
  });

  it.each(['nowhere', 'http://as.test', 'https://as.test/?a=b', 'https://as.test/#f'])(
    'does not boot with the issuer %s',
    async (wrong) => {
      const refused = startFlow({ idp, platform, proxy: { issuerUrl: wrong } });
      await expect(refused).rejects.toThrow(ConfigurationError);
      await expect(refused).rejects.toThrow('server.issuerUrl');
    },
  );
});
