import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { DocumentHost } from '../support/document-host.js';
import { connectV1, connectV2 } from '../support/mcp-clients.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const clientMetadataUrl = 'https://desktop.example.com/oauth/client.json';

const clients = {
  'SDK v1': connectV1,
  'SDK v2, legacy': (options: Parameters<typeof connectV2>[0]) => connectV2(options),
  'SDK v2, auto': (options: Parameters<typeof connectV2>[0]) =>
    connectV2({ ...options, mode: 'auto' }),
};

describe.each(platforms)('an MCP client that publishes a document, with %s', (platform) => {
  let idp: UpstreamIdp;
  let host: DocumentHost;
  let flow: ProxyFlow;

  beforeEach(async () => {
    idp = await UpstreamIdp.start();
    host = new DocumentHost();
    host.publish(clientMetadataUrl, {
      // A program on the user's machine takes whatever port is free.
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
      application_type: 'native',
    });
    const clientIdMetadataDocuments = host.options();
    flow = await startFlow({ idp, platform, proxy: { clientIdMetadataDocuments } });
  });

  afterEach(async () => {
    await flow.close();
    await idp.stop();
  });

  it.each(Object.entries(clients))(
    '%s logs in without registering, calls tools and refreshes',
    async (_name, connect) => {
      const session = await connect({
        url: flow.app.url,
        browser: new Browser(),
        user: 'bob',
        clientMetadataUrl,
      });
      await expect(session.whoami()).resolves.toMatchObject({ clientId: clientMetadataUrl });
      expect(session.provider.clientInformation()?.client_id).toBe(clientMetadataUrl);
      expect(session.trace.filter(({ url }) => url.endsWith('/register'))).toEqual([]);
      session.provider.corruptAccessToken();
      await expect(session.callTool('add', { a: 2, b: 3 })).resolves.toMatchObject({ text: '5' });
      expect(session.provider.authorizationUrls).toHaveLength(1);
      expect(host.requests).toHaveLength(1);
      await session.close();
    },
  );

  it('registers where documents are not taken', async () => {
    await flow.close();
    flow = await startFlow({ idp, platform, proxy: { clientIdMetadataDocuments: false } });
    const session = await connectV2({
      url: flow.app.url,
      browser: new Browser(),
      clientMetadataUrl,
    });
    const { clientId } = await session.whoami();
    expect(clientId).not.toBe(clientMetadataUrl);
    await session.close();
  });
});
