// CWE-918: a client id makes the server fetch a URL that a stranger chose.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { DocumentHost, documentOf, jsonResponse } from '../support/document-host.js';
import { FakeInternet } from '../support/fake-internet.js';
import { expectBegun, expectLocalRefusal } from '../support/outcomes.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { refusals } from '../support/refused-clients.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the address of a document, on %s', (platform) => {
  let internet: FakeInternet;
  let flow: ProxyFlow;

  beforeAll(async () => {
    internet = FakeInternet.install();
    flow = await startFlow({ idp, platform });
  });

  afterAll(async () => {
    await flow.close();
    internet.uninstall();
  });

  const { expectRefused } = refusals(new DocumentHost(), () => flow);

  const expectNoConnection = async (url: string): Promise<void> => {
    const before = internet.attemptsTo(443).length;
    flow.log.clear();
    await expectRefused(url);
    expect(internet.attemptsTo(443)).toHaveLength(before);
    expect(flow.log.matching('warn', 'client_metadata.refused')).not.toEqual([]);
  };

  const expectBlocked = async (url: string): Promise<void> => {
    await expectNoConnection(url);
    const { origin } = new URL(url);
    expect(flow.log.matching('warn', `outbound.blocked {"origin":"${origin}"`)).not.toEqual([]);
  };

  it('is called when it is public, and looked up once', async () => {
    internet.name('public.good.test', '1.1.1.1', '2606:4700:4700::1111');
    const before = internet.lookups.length;
    const client = { id: 'https://public.good.test/c.json', redirectUri: 'https://app.test/cb' };
    // The host itself is out of reach here; that it is called is what counts.
    expectLocalRefusal(await flow.authorize(flow.authorizationRequest(client)), flow);
    expect(internet.attemptsTo(443).at(-1)).toMatchObject({ host: 'public.good.test' });
    expect(internet.lookups.slice(before)).toEqual(['public.good.test', 'public.good.test']);
  });

  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '[::1]',
    '[fc00::1]',
    '[fe80::1]',
    '[ff02::1]',
    '[::]',
    '[2001:db8::1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
  ])('is not called when it is %s — CI-05', async (address) => {
    await expectBlocked(`https://${address}/c.json`);
  });

  it.each([
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '017700000001',
    '127.1',
    '127.0.0.1.',
    '①②⑦.⓪.⓪.①',
    '%31%32%37.0.0.1',
    '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:0:0:1]',
    '[fe80::1%25eth0]',
  ])('is not called when it is written as %s — CI-06', async (host) => {
    await expectNoConnection(`https://${host}/c.json`);
  });

  it.each([
    ['leads to a private network', 'intern.evil.test', ['10.0.0.1']],
    ['leads to this machine', 'rebind.evil.test', ['127.0.0.1']],
    ['leads to this machine too', 'mixed.evil.test', ['1.1.1.1', '127.0.0.1']],
    ['leads there in one family', 'mixed6.evil.test', ['1.1.1.1', '::1']],
    ['leads to IPv4 within IPv6', 'nat.evil.test', ['64:ff9b::a00:1']],
    ['is an alias for localhost', 'alias.evil.test', ['127.0.0.1', '::1']],
    ['spells an address', '127.0.0.1.nip.io', ['127.0.0.1']],
    ['is that of cloud metadata', 'metadata.google.internal', ['1.1.1.1']],
    ['is of this machine', 'x.localhost', ['1.1.1.1']],
    ['is of this network', 'printer.local', ['1.1.1.1']],
    ['has no dot', 'intranet', ['1.1.1.1']],
  ])('is not called when its name %s — CI-08', async (_what, name, addresses) => {
    internet.name(name, ...addresses);
    await expectBlocked(`https://${name}/c.json`);
  });

  it.each([22, 80, 6379, 8443])('is not called on the port %i — CI-25', async (port) => {
    internet.name('public.good.test', '1.1.1.1');
    await expectNoConnection(`https://public.good.test:${port}/c.json`);
    expect(internet.attemptsTo(port)).toEqual([]);
  });

  it('is no secret that an answer could give away — CI-25', async () => {
    internet.name('there.evil.test', '1.1.1.1');
    internet.name('inside.evil.test', '10.0.0.1');
    // Within, every answer is compared with all before: unreachable, not there, inside, closed.
    await expectRefused('https://there.evil.test/c.json');
    await expectRefused('https://nowhere.evil.test/c.json');
    await expectRefused('https://inside.evil.test/c.json');
    await expectRefused('https://there.evil.test:22/c.json');
  });
});

describe.each(platforms)('the answer of a document host, on %s', (platform) => {
  const host = new DocumentHost();
  let flow: ProxyFlow;

  beforeAll(async () => {
    const clientIdMetadataDocuments = host.options();
    flow = await startFlow({ idp, platform, proxy: { clientIdMetadataDocuments } });
  });

  afterAll(() => flow.close());

  const { expectRefused } = refusals(host, () => flow);
  let hosts = 0;
  const aUrl = (): string => `https://app${(hosts += 1)}.good.test/client.json`;

  it.each([301, 302, 303, 307, 308])('is no redirect %i, wherever to — CI-10', async (status) => {
    const url = aUrl();
    const other = host.publish(`${url}/other`).id;
    for (const location of ['http://127.0.0.1/', 'https://evil.test/c.json', other]) {
      const body = JSON.stringify(documentOf(url));
      const headers = { location, 'content-type': 'application/json' };
      host.answer(url, () => new Response(body, { status, headers }));
      await expectRefused(url);
    }
    expect(new Set(host.requests.map((request) => request.url))).not.toContain(other);
  });

  it('may have 5 kB, and no byte more — CI-11', async () => {
    for (const [size, taken] of [
      [5120, true],
      [5121, false],
      [6144, false],
    ] as const) {
      const url = aUrl();
      const padding = 'x'.repeat(size - JSON.stringify(documentOf(url, { x: '' })).length);
      const client = host.publish(url, { x: padding });
      if (taken) expectBegun(await flow.authorize(flow.authorizationRequest(client)), flow);
      else await expectRefused(url);
    }
  });

  it('is not waited for to its end when it is long — CI-11', async () => {
    const url = aUrl();
    let ended = 0;
    const endless = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1024).fill(0x20)),
        cancel: () => {
          ended += 1;
        },
      });
    host.answer(url, () => new Response(endless(), jsonResponse('')));
    await expectRefused(url);
    expect(ended).toBe(host.requestsTo(url));

    const announced = aUrl();
    host.publish(announced, {}, { 'content-length': '1000000000' });
    await expectRefused(announced);
  });

  it.each(['gzip', 'br', 'deflate', 'identity, gzip'])(
    'is not unpacked: %s — CI-11',
    async (encoding) => {
      const url = aUrl();
      host.publish(url, {}, { 'content-encoding': encoding });
      await expectRefused(url);
    },
  );

  it('is not waited for without end — CI-12', async () => {
    const never = new Promise<never>(() => {});
    const [silent, halting] = [aUrl(), aUrl()];
    host.answer(silent, () => never);
    host.answer(halting, () => {
      const start = new TextEncoder().encode('{');
      const halted = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(start),
        pull: () => never,
      });
      return new Response(halted, jsonResponse(''));
    });
    const answers = await Promise.all(
      [silent, halting].map((id) =>
        flow.authorize(flow.authorizationRequest({ id, redirectUri: 'https://app.test/cb' })),
      ),
    );
    for (const answer of answers) expectLocalRefusal(answer, flow);
    expect(flow.log.matching('warn', '"reason":"https://app').length).toBeGreaterThanOrEqual(2);
  });

  it('shows nowhere: not on the page, not in the log — CI-26', async () => {
    const secret = 'AKIA-the-secret-of-an-internal-host';
    const html = { 'content-type': 'text/html' };
    const url = aUrl();
    const answers = [
      () => new Response(secret, { status: 500, headers: { 'x-secret': secret } }),
      () => new Response(secret, { status: 200, headers: html }),
      () => jsonResponse(secret),
      () => jsonResponse({ [secret]: secret }),
      () => jsonResponse(documentOf(url, { redirect_uris: [secret], client_name: secret })),
      () => jsonResponse(documentOf(url, { client_name: secret, scope: `"${secret}` })),
      () => new Response(null, { status: 302, headers: { location: `https://${secret}/` } }),
      () => Promise.reject(new Error(secret)),
    ];
    for (const answer of answers) {
      host.answer(url, answer);
      const request = flow.authorizationRequest({ id: url, redirectUri: 'https://app.test/cb' });
      const page = await flow.authorize(request, { accept: 'text/html' });
      expectLocalRefusal(page, flow);
      expect(page.text).not.toContain(secret);
      expect(flow.log.contains(secret)).toBe(false);
    }
    expect(flow.app.store.contains(secret)).toBe(false);
  });

  it('is asked for by a request that says nothing of anybody — CI-34', async () => {
    const client = host.publish(aUrl());
    const request = flow.authorizationRequest(client);
    const sent = { cookie: 'a=b', authorization: 'Bearer x', referer: 'https://app.test/page' };
    expectBegun(await flow.authorize(request, sent), flow);
    const { headers, init } = host.requests.at(-1) ?? { headers: new Headers(), init: {} };
    expect(Object.fromEntries(headers)).toEqual({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'nestjs-mcp-multi-auth',
    });
    expect(init).toMatchObject({ credentials: 'omit', redirect: 'manual', referrer: '' });
    expect(init.method ?? 'GET').toBe('GET');
    expect(init.body).toBeUndefined();
  });
});
