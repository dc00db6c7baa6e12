// Consent where users log in first: what is remembered is remembered of a user, in whatever browser.
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type ConsentView,
  dangerouslyTrustUnknownClients,
  dangerouslyWithoutConsent,
  externalConsent,
  type LocalAuthProviderOptions,
  type OAuthServerOptions,
  MultiAuthEvents,
  MultiAuthService,
} from '../../lib/index.js';
import { Browser, type Visit } from '../support/browser.js';
import { LocalFlow } from '../support/local-flow.js';
import { atClient, clientRedirect, type TestClient } from '../support/proxy-flow.js';

let flow: LocalFlow;
let client: TestClient;
let skipped: { because: string }[];

const start = async (server: Partial<LocalAuthProviderOptions>): Promise<void> => {
  flow = await LocalFlow.start({ server });
  client = await flow.register();
  skipped = [];
  const events = flow.app.app.get(MultiAuthEvents, { strict: false });
  events.on('consent.skipped', (event) => skipped.push(event));
};

afterEach(() => flow.close());

const browserOf = (subject: string): Browser => {
  const browser = new Browser();
  flow.logInAtApp(browser, subject);
  return browser;
};

const open = (browser: Browser, of = client, crossSite = false): Promise<Visit> =>
  browser.open(flow.authorizationRequest(of).url, { stopAt: atClient(of), crossSite });

const approve = async (browser: Browser, of = client): Promise<void> => {
  const back = await browser.approve(await open(browser, of), atClient(of));
  expect(new URL(back.url).searchParams.has('code')).toBe(true);
};

const isAsked = (visit: Visit): boolean =>
  visit.forms.some(({ buttons }) => buttons.some(({ value }) => value === 'approve'));

describe('a remembered consent', () => {
  const remembering = { consent: 'remember' } as const;

  it('counts again for the user who gave it, also in another browser', async () => {
    await start(remembering);
    const first = await open(browserOf('alice'));
    expect(first.html).toContain('If you allow it, that is remembered for a while.');
    await approve(browserOf('alice'));
    const again = await open(browserOf('alice'));
    expect(again.stopped).toBe(true);
    const code = String(new URL(again.url).searchParams.get('code'));
    expect(code).toMatch(/^[\w-]{43}$/);
    expect(skipped).toEqual([expect.objectContaining({ because: 'remembered' })]);
  });

  it('counts for a user who has to log in first', async () => {
    await start(remembering);
    await approve(browserOf('alice'));
    const browser = new Browser();
    const login = await open(browser);
    expect(login.url).toContain('/login?return_to=');
    expect((await browser.login(login, 'alice', atClient(client))).stopped).toBe(true);
  });

  it('counts for nobody else, also not in the browser in which it was given', async () => {
    await start(remembering);
    const browser = browserOf('alice');
    await approve(browser);
    flow.logInAtApp(browser, 'bob');
    expect(isAsked(await open(browser))).toBe(true);
    expect(isAsked(await open(browserOf('bob')))).toBe(true);
  });

  it('counts for no login that a site led to, no other client, and no more scopes', async () => {
    await start(remembering);
    await approve(browserOf('alice'));
    expect(isAsked(await open(browserOf('alice'), client, true))).toBe(true);
    const other = await flow.register({ client_name: 'Other' });
    expect(isAsked(await open(browserOf('alice'), other))).toBe(true);
    const request = flow.authorizationRequest(client).with({ scope: 'notes:write' });
    expect(isAsked(await browserOf('alice').open(request.url))).toBe(true);
    expect((await open(browserOf('alice'))).stopped).toBe(true);
  });

  it('is over when the user refuses, in whatever browser', async () => {
    await start(remembering);
    await approve(browserOf('alice'));
    const browser = browserOf('alice');
    const page = await open(browser, client, true);
    await browser.deny(page, atClient(client));
    expect(isAsked(await open(browserOf('alice')))).toBe(true);
  });

  it('is not over when somebody else refuses, also in the browser in which it was given', async () => {
    await start(remembering);
    const browser = browserOf('alice');
    await approve(browser);
    flow.logInAtApp(browser, 'bob');
    await browser.deny(await open(browser), atClient(client));
    flow.logInAtApp(browser, 'alice');
    expect((await open(browser)).stopped).toBe(true);
  });

  it('is not made unless that is wanted', async () => {
    await start({});
    const page = await open(browserOf('alice'));
    expect(page.html).not.toContain('remembered');
    await approve(browserOf('alice'));
    expect(isAsked(await open(browserOf('alice')))).toBe(true);
  });
});

describe('the page', () => {
  it('is asked for under the path of the issuer, to which alone the login page leads back', async () => {
    flow = await LocalFlow.start({ issuerPath: '/tenant' });
    client = await flow.register();
    const browser = new Browser();
    const login = await open(browser);
    expect(new URL(login.url).pathname).toBe('/login');
    const page = await browser.login(login, 'alice');
    expect(page.url).toContain(`${flow.app.origin}/tenant/consent?txn=`);
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    expect(service.loginReturnUrl(page.url)).toBe(page.url);
    expect(service.loginReturnUrl(page.url.replace('/tenant', ''))).toBeUndefined();
    expect((await browser.approve(page, atClient(client))).stopped).toBe(true);
  });

  it('may be one of your own, which gets the user and what its form needs', async () => {
    const views: ConsentView[] = [];
    await start({
      consentPage: (view) => {
        views.push(view);
        return `<form method="post"><input name="txn" value="${view.form.txn}">
          <input name="csrf" value="${view.form.csrf}"><button name="action" value="approve"></form>`;
      },
    });
    const browser = browserOf('alice');
    const page = await open(browser);
    expect(views[0]?.user?.name).toBe('alice of the tests');
    expect(views[0]?.user?.switchUrl).toContain(`${flow.app.origin}/login?return_to=`);
    expect((await browser.approve(page, atClient(client))).stopped).toBe(true);
  });

  it('is not left out, nor the login asked for again, because a client says so', async () => {
    await start({});
    for (const prompt of ['none', 'login', 'consent', 'select_account']) {
      const request = flow.authorizationRequest(client).with({ prompt, max_age: '0' });
      const visit = await browserOf('alice').open(request.url, { stopAt: atClient(client) });
      expect(isAsked(visit)).toBe(true);
    }
  });
});

describe('without a page', () => {
  const configured = {
    registration: false,
    clientIdMetadataDocuments: false,
    clients: [{ clientId: 'known', redirectUris: [clientRedirect] }],
  } as const;
  const known: TestClient = { id: 'known', redirectUri: clientRedirect };

  it.each<[string, OAuthServerOptions['consent']]>([
    ['external', externalConsent],
    ['off', dangerouslyWithoutConsent],
  ])('the user still logs in first, and gets one code a login: %s', async (because, consent) => {
    flow = await LocalFlow.start({ server: { ...configured, consent } });
    skipped = [];
    const events = flow.app.app.get(MultiAuthEvents, { strict: false });
    events.on('consent.skipped', (event) => skipped.push(event));
    const browser = new Browser();
    const login = await open(browser, known);
    expect(login.url).toContain('/login?return_to=');
    const back = await browser.login(login, 'alice', atClient(known));
    expect(new URL(back.url).searchParams.has('code')).toBe(true);
    expect(skipped).toEqual([expect.objectContaining({ because })]);
    const returnTo = String(new URL(login.url).searchParams.get('return_to'));
    const again = await browser.open(flow.app.origin + returnTo, { stopAt: atClient(known) });
    expect(again.stopped).toBe(false);
    expect(again.html).toContain('This login is over');
  });

  it('a login that another browser began gets no code', async () => {
    flow = await LocalFlow.start({ server: { ...configured, consent: externalConsent } });
    const login = await open(new Browser(), known);
    const victim = browserOf('alice');
    const returnTo = String(new URL(login.url).searchParams.get('return_to'));
    const seen = await victim.open(flow.app.origin + returnTo, { stopAt: atClient(known) });
    expect(seen.stopped).toBe(false);
    expect(seen.status).toBe(403);
  });

  it('is refused with open registration unless that is acknowledged', async () => {
    await expect(LocalFlow.start({ server: { consent: externalConsent } })).rejects.toThrow(
      'unconsentedClients',
    );
    await start({
      consent: externalConsent,
      unconsentedClients: dangerouslyTrustUnknownClients,
    });
    expect((await open(browserOf('alice'))).stopped).toBe(true);
  });
});
