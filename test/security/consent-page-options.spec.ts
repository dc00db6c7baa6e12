// RFC 9700 §4.16, RFC 4647 §3.4, CSP Level 3: what operators and visitors can change of the pages, and not.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type ConsentView, type OAuthProxyOptions } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { DocumentHost } from '../support/document-host.js';
import { answerOf, expectInvariants, expectLocalRefusal } from '../support/outcomes.js';
import {
  type Answer,
  atClient,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const icon =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the language of the pages on %s', (platform) => {
  let flow: ProxyFlow;
  let client: TestClient;

  beforeAll(async () => {
    flow = await startFlow({
      idp,
      platform,
      proxy: {
        consent: 'remember',
        messages: {
          de: {
            consentTitle: '{client} mit {server} verbinden?',
            approve: 'Erlauben & anmelden <u>',
            expiredLoginTitle: 'Diese Anmeldung ist vorbei',
            badRequestTitle: 'So geht es nicht',
          },
          'de-AT': { deny: 'Na, danke' },
          he: { approve: 'לאשר' },
        },
        scopeDescriptions: {
          'notes:read': { en: 'Read notes', de: 'Notizen lesen' },
          'mcp:use': 'Use it',
        },
      },
    });
    client = await flow.register({ client_name: 'App {server} <i>' });
  });

  afterAll(() => flow.close());

  const page = async (language: string): Promise<Answer> => {
    const browser = new Browser();
    const headers = { 'accept-language': language };
    return answerOf(await browser.open(flow.authorizationRequest(client).url, { headers }));
  };

  it('is that of the visitor, in every part of the page', async () => {
    const answer = await page('de-CH, en;q=0.5');
    expectInvariants(answer, { issuer: flow.issuer });
    expect(answer.headers['vary']).toBe('Accept-Language');
    expect(answer.text).toContain('<html lang="de" dir="ltr">');
    expect(answer.text).toContain(
      '<title>App {server} &#60;i&#62; mit Test server verbinden?</title>',
    );
    expect(answer.text).toContain('Notizen lesen');
    expect(answer.text).toContain('Use it');
    // What this language lacks is said in English.
    expect(answer.text).toContain('>Cancel<');
  });

  it('is text and never markup, and fills in what is asked for once', async () => {
    const { text } = await page('de');
    expect(text).toContain('Erlauben &#38; anmelden &#60;u&#62;');
    expect(text).not.toMatch(/<u>|<i>/);
    expect(text).toContain(
      '<h1><bdi>App {server} &#60;i&#62;</bdi> mit <bdi>Test server</bdi> verbinden?</h1>',
    );
  });

  it('is that of a region where there is one, over that of the language', async () => {
    const { text } = await page('de-AT');
    expect(text).toContain('<html lang="de-AT" dir="ltr">');
    expect(text).toContain('Na, danke');
    expect(text).toContain('Erlauben');
  });

  it('runs from right to left where it does, and addresses do not', async () => {
    const { text } = await page('he-IL');
    expect(text).toContain('<html lang="he" dir="rtl">');
    expect(text).toContain('<code dir="ltr">https://app.test/cb</code>');
  });

  it.each(['', '*', 'fr', 'en', 'xx;q=1', ',;,', `de;q=0`, '-'.repeat(2000)])(
    'is English for whom there is nothing better: %s',
    async (language) => {
      const answer = await page(language);
      expectInvariants(answer, { issuer: flow.issuer });
      expect(answer.text).toContain('<html lang="en" dir="ltr">');
      expect(answer.text).toContain('Allow and log in');
      expect(answer.text).toContain('Read notes');
    },
  );

  it('is that of the visitor on pages that refuse, and English for programs', async () => {
    const ask = (accept: string, path: string) =>
      flow.send(path, { headers: { accept, 'accept-language': 'de' } });
    const refused = await ask('text/html', '/consent?txn=x');
    expectLocalRefusal(refused, flow);
    expect(refused.text).toContain('<html lang="de" dir="ltr">');
    expect(refused.text).toContain('<h1>Diese Anmeldung ist vorbei</h1>');
    const malformed = await ask('text/html', '/authorize?client_id=a&client_id=b');
    expectLocalRefusal(malformed, flow);
    expect(malformed.text).toContain('<h1>So geht es nicht</h1>');
    expect(malformed.text).toContain('<p class="muted" lang="en" dir="ltr">');
    const toProgram = jsonOf(await ask('application/json', '/consent?txn=x'));
    expect(toProgram).toMatchObject({ error: 'invalid_request' });
    expect(JSON.stringify(toProgram)).toContain('already answered');
  });

  it('is that of the visitor when the store is down', async () => {
    flow.app.store.failNext('get', new Error('down'), 'transaction:');
    const answer = await flow.send('/consent?txn=x', {
      headers: { accept: 'text/html', 'accept-language': 'he' },
    });
    expectInvariants(answer, { issuer: flow.issuer, serverFault: 503 });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.text).toContain('<html lang="he" dir="rtl">');
  });

  it('says that the consent is remembered where it is', async () => {
    expect((await page('en')).text).toContain('this browser remembers');
  });
});

describe.each(platforms)('the look of the pages on %s', (platform) => {
  const opened = async (proxy: Partial<OAuthProxyOptions>, check: (flow: ProxyFlow) => unknown) => {
    const flow = await startFlow({ idp, platform, proxy });
    try {
      await check(flow);
    } finally {
      await flow.close();
    }
  };

  const consentPage = async (flow: ProxyFlow) =>
    flow.consentPage(flow.authorizationRequest(await flow.register()), new Browser());

  it.each([
    [icon, 'data:'],
    ['/assets/icon.svg', "'self' data:"],
  ])('has the icon of the server: %s — CO-09', async (icon, source) => {
    await opened({ icon }, async (flow) => {
      const page = await consentPage(flow);
      expectInvariants(answerOf(page), { issuer: flow.issuer });
      expect(page.html).toContain(`<img class="icon" src="${icon}" alt="" />`);
      expect(page.html.match(/<img/g)).toHaveLength(1);
      const policy = String(page.headers['content-security-policy']).split('; ');
      expect(policy).toContain(`img-src ${source}`);
    });
  });

  it('has the policy of the operator, with what the page needs — CO-08, CO-09', async () => {
    const contentSecurityPolicy =
      "default-src 'none'; frame-ancestors 'none'; img-src https://cdn.test; report-to csp;";
    await opened({ contentSecurityPolicy }, async (flow) => {
      const page = await consentPage(flow);
      expectInvariants(answerOf(page), { issuer: flow.issuer });
      expect(String(page.headers['content-security-policy']).split('; ')).toEqual([
        "default-src 'none'",
        "frame-ancestors 'none'",
        'img-src https://cdn.test',
        'report-to csp',
        expect.stringMatching(/^style-src 'sha256-/),
        "base-uri 'none'",
      ]);
      const refused = await flow.send('/consent', { headers: { accept: 'text/html' } });
      expectLocalRefusal(refused, flow);
      expect(refused.headers['content-security-policy']).toBe(
        page.headers['content-security-policy'],
      );
    });
  });

  it("can be the operator's own page, under our headers and with our form — CO-04, CO-08", async () => {
    const views: ConsentView[] = [];
    const consentPage = (view: ConsentView): Promise<string> => {
      views.push(view);
      const fields = Object.entries({ ...view.form, own: 'field' });
      const inputs = fields.map(
        ([name, value]) => `<input type=hidden name=${name} value=${value}>`,
      );
      const button = '<button name=action value=approve>Yes</button>';
      return Promise.resolve(`<!doctype html><form method=post>${inputs.join('')}${button}</form>`);
    };
    const messages = { de: {} };
    await opened({ consentPage, messages, icon: '/i.png' }, async (flow) => {
      const client = await flow.register({
        client_name: '<Mine>',
        client_uri: 'https://app.test/',
      });
      const browser = new Browser();
      const request = flow.authorizationRequest(client);
      const headers = { 'accept-language': 'de' };
      const page = await browser.open(request.url, { headers });
      expectInvariants(answerOf(page), { issuer: flow.issuer });
      expect(page.html).toContain('own');
      const [view] = views;
      expect(view).toEqual({
        language: 'de',
        direction: 'ltr',
        server: { name: 'Test server', resource: flow.app.url, icon: '/i.png' },
        client: {
          id: client.id,
          name: '<Mine>',
          website: 'https://app.test/',
          origin: 'registered',
        },
        redirect: { uri: client.redirectUri, kind: 'web', name: 'app.test' },
        scopes: [{ scope: 'notes:read' }, { scope: 'mcp:use' }],
        remembered: false,
        form: {
          txn: expect.stringMatching(/^[\w-]{43}$/),
          csrf: expect.stringMatching(/^[\w-]+$/),
        },
      });
      const atUpstream = await browser.approve(page, flow.atIdp);
      const end = await browser.walk(atUpstream.url, { user: 'alice', stopAt: atClient(client) });
      expect(new URL(end.url).searchParams.has('code')).toBe(true);
    });
  });

  it.each<[string, unknown]>([
    ['throws', () => Promise.reject(new Error('the template is broken'))],
    [
      'throws at once',
      () => {
        throw new Error('the template is broken');
      },
    ],
    ['makes nothing', () => ''],
    ['never ends', () => new Promise(() => {})],
    ['makes no text', () => ({ html: '<p>' })],
  ])('is the built-in one when the own page %s', async (_how, consentPage) => {
    await opened({ consentPage } as Partial<OAuthProxyOptions>, async (flow) => {
      const client = await flow.register();
      const page = await flow.consentPage(flow.authorizationRequest(client), new Browser());
      expectInvariants(answerOf(page), { issuer: flow.issuer });
      expect(page.html).toContain('Allow and log in');
      expect(page.html).not.toContain('template');
      expect(flow.log.matching('error', 'endpoint.failed')).toHaveLength(1);
    });
  });

  it('links to a website with https alone, and lets it know nothing — CI-19', async () => {
    const host = new DocumentHost();
    await opened({ clientIdMetadataDocuments: host.options() }, async (flow) => {
      const website = 'https://app.good.test/about?a="b"';
      const client = host.publish('https://app.good.test/client.json', { client_uri: website });
      const page = await flow.consentPage(flow.authorizationRequest(client), new Browser());
      expect(page.links).toEqual([new URL(website).href]);
      expect(page.html).toContain('rel="noopener noreferrer nofollow"');
      expect(page.html).not.toMatch(/target=|ping=|<img|<link/i);
      expect(page.html).toContain('Published by <bdi>app.good.test</bdi>');
      expect(page.html).not.toContain('Unverified application');
      const tracking = await flow.register({
        client_uri: 'https://track.test/',
        logo_uri: 'https://track.test/pixel.gif',
      });
      const other = await flow.consentPage(flow.authorizationRequest(tracking), new Browser());
      expect(other.html).not.toContain('pixel');
      expect(other.links).toEqual(['https://track.test/']);
      expect(host.requests.map(({ url }) => url)).toEqual([client.id]);
    });
  });
});

describe('options of the pages that cannot be meant', () => {
  it.each<[string, object]>([
    ['contentSecurityPolicy', { contentSecurityPolicy: "default-src 'none'" }],
    [
      'contentSecurityPolicy',
      { contentSecurityPolicy: "frame-ancestors 'self'; default-src 'none'" },
    ],
    [
      'contentSecurityPolicy',
      { contentSecurityPolicy: "frame-ancestors 'none'\r\nset-cookie: a=b" },
    ],
    ['icon', { icon: 'https://evil.test/i.png' }],
    ['icon', { icon: '//evil.test/i.png' }],
    ['icon', { icon: 'data:text/html;base64,AAAA' }],
    ['consentPage', { consentPage: '<p>' }],
    ['messages', { messages: [] }],
    ['messages.not a tag', { messages: { 'not a tag': {} } }],
    ['messages.de.consentTitel', { messages: { de: { consentTitel: 'x' } } }],
    ['messages.de.approve', { messages: { de: { approve: 'Ja, {user}' } } }],
    ['scopeDescriptions.a', { scopeDescriptions: { a: 1 } }],
    ['serverName', { serverName: '' }],
  ])('stop the boot: %s', async (name, proxy) => {
    const error: unknown = await startFlow({ idp, proxy }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigurationError);
    const { issues, message } = error as ConfigurationError;
    expect(issues.map(({ path }) => path)).toEqual([`server.${name}`]);
    expect(message).not.toContain('evil');
  });
});
