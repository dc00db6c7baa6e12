// OAuth Client ID Metadata Document §6: whose documents are taken, and what people see of them.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { DocumentHost } from '../support/document-host.js';
import { FakeInternet } from '../support/fake-internet.js';
import { expectBegun, expectLocalRefusal } from '../support/outcomes.js';
import { jsonOf, type ProxyFlow, startFlow, type TestClient } from '../support/proxy-flow.js';
import { refusals } from '../support/refused-clients.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const url = 'https://app.good.test/client.json';
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('documents of hosts that the operator trusts, on %s', (platform) => {
  const host = new DocumentHost();
  let flow: ProxyFlow;

  beforeAll(async () => {
    const allowedHosts = ['good.test', '*.trusted.test'];
    const clientIdMetadataDocuments = host.options({ allowedHosts });
    flow = await startFlow({ idp, platform, proxy: { clientIdMetadataDocuments } });
  });

  afterAll(() => flow.close());

  const { expectNotFetched } = refusals(host, () => flow);

  it.each(['https://good.test/c', 'https://app.trusted.test/c', 'https://a.b.trusted.test/c'])(
    'are taken from %s',
    async (id) => {
      const client = host.publish(id);
      expectBegun(await flow.authorize(flow.authorizationRequest(client)), flow);
    },
  );

  it.each([
    'https://good.test.evil.test/c',
    'https://evil.test/good.test',
    'https://evil.test/?good.test',
    'https://good.test@evil.test/c',
    'https://notgood.test/c',
    'https://app.good.test/c',
    'https://trusted.test/c',
    'https://nottrusted.test/c',
    'https://app.trusted.test.evil.test/c',
    'https://good.test:8443/c',
  ])('are not even fetched from %s — CI-30', async (id) => {
    host.publish(id);
    await expectNotFetched(id);
  });
});

describe.each(platforms)('documents that are switched off, on %s', (platform) => {
  let flow: ProxyFlow;

  beforeAll(async () => {
    flow = await startFlow({ idp, platform, proxy: { clientIdMetadataDocuments: false } });
  });

  afterAll(() => flow.close());

  const { expectRefused } = refusals(new DocumentHost(), () => flow);

  it('leave a URL an id like any other, which nobody has — CI-29', async () => {
    const internet = FakeInternet.install();
    try {
      internet.name('app.good.test', '1.1.1.1');
      await expectRefused(url);
    } finally {
      internet.uninstall();
    }
    expect(internet.lookups).toEqual([]);
    expect(internet.attemptsTo(443)).toEqual([]);
    expect(flow.log.matching('warn', 'client_metadata.refused')).toEqual([]);
    expect(flow.log.matching('warn', 'outbound.blocked')).toEqual([]);
    const metadata = await flow.send('/.well-known/oauth-authorization-server');
    expect(jsonOf(metadata)).not.toHaveProperty('client_id_metadata_document_supported');
  });

  it('leave other clients what they are', async () => {
    const client = await flow.register();
    expectBegun(await flow.authorize(flow.authorizationRequest(client)), flow);
  });
});

describe.each(platforms)('what people see of a document, on %s', (platform) => {
  const host = new DocumentHost();
  let flow: ProxyFlow;

  beforeAll(async () => {
    const clientIdMetadataDocuments = host.options();
    flow = await startFlow({ idp, platform, proxy: { clientIdMetadataDocuments } });
  });

  afterAll(() => flow.close());

  const page = async (client: TestClient): Promise<string> => {
    const visit = await new Browser().open(flow.authorizationRequest(client).url);
    expect(visit.status).toBe(200);
    return visit.html;
  };

  it.each(['http://10.0.0.1/x.png', 'https://tracker.evil.test/pixel.gif'])(
    'has no picture from elsewhere: %s — CI-19',
    async (logo) => {
      const id = `https://app.good.test/${encodeURIComponent(logo)}`;
      const html = await page(host.publish(id, { logo_uri: logo }));
      expect(html).not.toContain(logo);
      expect(html).not.toMatch(/<img|<image|<svg|url\(/i);
      expect(host.requests.map((request) => request.url)).not.toContain(logo);
    },
  );

  it.each([
    { logo_uri: 'data:image/svg+xml,<svg onload="alert(1)"/>' },
    { client_uri: 'javascript:alert(1)' },
    { client_uri: 'http://app.good.test/' },
    { tos_uri: 'javascript:alert(1)' },
  ])('is nothing with %j — CI-19', async (members) => {
    const client = host.publish('https://links.good.test/client.json', members);
    expectLocalRefusal(await flow.authorize(flow.authorizationRequest(client)), flow);
  });

  it('has no link that tells the linked page where it stands — CI-19', async () => {
    const uri = 'https://app.good.test/about';
    const html = await page(host.publish(url, { client_uri: uri }));
    const links = html.match(new RegExp(`<a [^>]*${uri}[^>]*>`, 'g')) ?? [];
    for (const link of links) expect(link).toContain('rel="noopener noreferrer nofollow"');
    expect(html).toContain(uri);
  });

  it('has the host, the whole redirect URI and a warning about local programs — CI-31', async () => {
    const known = host.publish('https://known.good.test/client.json', {
      redirect_uris: ['http://localhost/cb'],
    });
    // Another program, on another port, says that it is the known one.
    const html = await page({ id: known.id, redirectUri: 'http://localhost:4711/cb' });
    expect(html).toContain('known.good.test');
    expect(html).toContain('http://localhost:4711/cb');
    expect(html).toContain('cannot be checked');
  });

  it('may leave out the redirect URI when there is one, as elsewhere — RU-21', async () => {
    const one = host.publish('https://one.good.test/client.json');
    const request = flow.authorizationRequest(one).without('redirect_uri');
    expectBegun(await flow.authorize(request), flow);
    const two = host.publish('https://two.good.test/client.json', {
      redirect_uris: ['https://app.test/cb', 'https://app.test/cb2'],
    });
    const ambiguous = flow.authorizationRequest(two).without('redirect_uri');
    expectLocalRefusal(await flow.authorize(ambiguous), flow);
  });
});

describe('options that cannot be meant', () => {
  it.each([
    ['allowedHosts', { allowedHosts: ['*'] }],
    ['allowedHosts', { allowedHosts: ['*.com'] }],
    ['allowedHosts', { allowedHosts: [] }],
    ['allowedPorts', { allowedPorts: [0] }],
    ['maxAgeSeconds', { maxAgeSeconds: 100_000 }],
    ['fetch', { fetch: 'https://proxy.test' }],
    ['allowedHost', { allowedHost: ['a.test'] }],
  ])('stop the boot: %s in %j', async (name, clientIdMetadataDocuments) => {
    const proxy = { clientIdMetadataDocuments: clientIdMetadataDocuments as never };
    const error = await startFlow({ idp, proxy }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain(`clientIdMetadataDocuments.${name}`);
  });
});
