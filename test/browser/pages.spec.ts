import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, devices, type Page } from 'playwright-core';
import { codeChallengeOf } from '../../lib/crypto/pkce.js';
import { randomToken } from '../../lib/crypto/random.js';
import { type ProtectedApp, startProtectedApp } from '../support/protected-app.js';
import { describeWith } from '../support/services.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const executablePath = '/usr/bin/chromium';
const launchOptions = {
  executablePath,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};
// Where the pictures go, to be looked at; the folder is not kept in the repository.
const pictures = join(import.meta.dirname, '../../coverage/pages');

const icon =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const suite = describeWith('Chromium', existsSync(executablePath));

suite('the pages in Chromium', () => {
  let idp: UpstreamIdp;
  let app: ProtectedApp;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let client: { id: string; redirectUri: string; answers: URL[]; close(): Promise<void> };
  const violations: string[] = [];

  beforeAll(async () => {
    await mkdir(pictures, { recursive: true });
    idp = await UpstreamIdp.start();
    app = await startProtectedApp({
      idp,
      proxy: {
        serverName: 'Weather Station',
        icon,
        messages: {
          he: {
            consentTitle: 'לחבר את {client} אל {server}?',
            approve: 'לאשר ולהתחבר',
            deny: 'ביטול',
            destination: 'התשובה נשלחת אל',
          },
        },
        validScopes: ['mcp:use', 'reports:write'],
        scopeDescriptions: { 'mcp:use': 'Read the weather reports of your stations' },
      },
    });
    client = await startClient(app);
    browser = await chromium.launch(launchOptions);
    context = await browser.newContext();
    page = await context.newPage();
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) violations.push(message.text());
    });
  });

  afterAll(async () => {
    await browser?.close();
    await client?.close();
    await app?.close();
    await idp?.stop();
  });

  const authorizeUrl = (changes?: Record<string, string>): string =>
    authorizationUrl(app, client, changes);

  it('shows who asks for what, and where the answer goes', async () => {
    await page.goto(authorizeUrl());
    const text = await page.innerText('main');
    expect(text).toContain('Weather Station');
    expect(text).toContain('Claude <b>Desktop</b>');
    expect(text).toContain('Unverified application');
    expect(text).toContain('Read the weather reports of your stations');
    expect(text).toContain('reports:write');
    expect(text).toContain(new URL(client.redirectUri).host);
    await page.screenshot({ path: join(pictures, 'consent-desktop.png') });
  });

  it('leads by clicks through consent and login back to the client', async () => {
    await page.goto(authorizeUrl());
    await page.click('button[value="approve"]');
    await logIn(page);
    await page.waitForURL(`${client.redirectUri}**`);
    const answer = client.answers.at(-1);
    expect(answer?.searchParams.get('state')).toBe('the-state');
    expect(answer?.searchParams.get('iss')).toBe(app.issuer);
    expect(answer?.searchParams.get('code')).toBeTruthy();
  });

  it('tells the client when the user cancels', async () => {
    await page.goto(authorizeUrl());
    await page.click('button[value="deny"]');
    await page.waitForURL(`${client.redirectUri}**`);
    expect(client.answers.at(-1)?.searchParams.get('error')).toBe('access_denied');
  });

  it('works with the keyboard alone, and the first key press that answers is no approval', async () => {
    await page.goto(authorizeUrl());
    await page.keyboard.press('Tab');
    const first = await page.evaluate('document.activeElement.value');
    expect(first).toBe('deny');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.value')).toBe('approve');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${idp.issuer}/**`);
  });

  it.each([
    ['desktop', {}],
    ['dark', { colorScheme: 'dark' as const }],
    ['phone', devices['iPhone 13'] ?? {}],
  ])('fits the screen without scrolling sideways: %s', async (name, settings) => {
    const { defaultBrowserType: _, ...usable } = settings as Record<string, unknown>;
    const other = await browser.newContext(usable);
    const tab = await other.newPage();
    await tab.goto(authorizeUrl());
    expect(await overflow(tab)).toBe(0);
    await tab.screenshot({ path: join(pictures, `consent-${name}.png`), fullPage: true });
    await tab.goto(authorizeUrl({ client_id: 'nobody' }));
    expect(await tab.innerText('h1')).toContain('not known');
    expect(await overflow(tab)).toBe(0);
    await tab.screenshot({ path: join(pictures, `error-${name}.png`), fullPage: true });
    await other.close();
  });

  it('shows the icon of the server, which its policy lets in', async () => {
    await page.goto(authorizeUrl());
    expect(await page.evaluate('document.querySelector("img.icon").naturalWidth')).toBe(1);
    expect(violations).toEqual([]);
  });

  it('speaks the language of the browser, from right to left where it runs so', async () => {
    const hebrew = await browser.newContext({ locale: 'he-IL' });
    const tab = await hebrew.newPage();
    await tab.goto(authorizeUrl());
    expect(await tab.getAttribute('html', 'lang')).toBe('he');
    expect(await tab.innerText('button[value="approve"]')).toBe('לאשר ולהתחבר');
    expect(await tab.innerText('h1')).toBe('לחבר את Claude <b>Desktop</b> אל Weather Station?');
    expect(await tab.evaluate('getComputedStyle(document.body).direction')).toBe('rtl');
    // Addresses keep their own direction.
    expect(await tab.evaluate('getComputedStyle(document.querySelector("code")).direction')).toBe(
      'ltr',
    );
    expect(await overflow(tab)).toBe(0);
    await tab.screenshot({ path: join(pictures, 'consent-hebrew.png'), fullPage: true });
    await hebrew.close();
  });

  it('tells who cannot see it what is on the page, and what the buttons are about', async () => {
    await page.goto(authorizeUrl());
    expect(await page.getByRole('main').count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    expect(await page.getByRole('list', { name: 'It will be able to' }).count()).toBe(1);
    const approve = page.getByRole('button', { name: 'Allow and log in' });
    const described = await approve.getAttribute('aria-describedby');
    const about = await Promise.all(
      (described ?? '').split(' ').map((id) => page.innerText(`#${id}`)),
    );
    expect(about.join(' ')).toContain('Unverified application');
    expect(about.join(' ')).toContain(client.redirectUri);
  });

  it('runs no script and breaks no policy of its own', async () => {
    await page.goto(authorizeUrl());
    expect(await page.locator('script').count()).toBe(0);
    expect(
      await page.evaluate('getComputedStyle(document.querySelector("main")).maxWidth'),
    ).not.toBe('none');
    expect(violations).toEqual([]);
  });

  it('cannot be framed by another site', async () => {
    const framed = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<iframe src="${authorizeUrl().replaceAll('&', '&amp;')}"></iframe>`);
    });
    await new Promise<void>((resolve) => {
      framed.listen(0, '127.0.0.1', resolve);
    });
    const tab = await context.newPage();
    await tab.goto(`http://127.0.0.1:${(framed.address() as AddressInfo).port}/`);
    await tab.waitForTimeout(500);
    const inner = tab.frames()[1];
    expect(await inner?.locator('button').count()).toBe(0);
    await tab.close();
    framed.close();
  });
});

suite('a remembered consent in Chromium', () => {
  const publicClient = 'everybody-knows-me';
  let idp: UpstreamIdp;
  let app: ProtectedApp;
  let browser: Browser;
  let page: Page;
  let client: Awaited<ReturnType<typeof startClient>>;
  let elsewhere: { url: string; close(): Promise<void> };

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
    const clients = [{ clientId: publicClient, redirectUris: ['http://127.0.0.1/callback'] }];
    app = await startProtectedApp({ idp, proxy: { consent: 'remember', clients } });
    client = await startClient(app);
    elsewhere = await startSite();
    browser = await chromium.launch(launchOptions);
    page = await (await browser.newContext()).newPage();
  });

  afterAll(async () => {
    await browser?.close();
    await elsewhere?.close();
    await client?.close();
    await app?.close();
    await idp?.stop();
  });

  const url = (changes?: Record<string, string>): string => authorizationUrl(app, client, changes);
  const typed = (target: string) => page.goto(target);
  const isAsked = async (): Promise<boolean> =>
    (await page.locator('button[value="deny"]').count()) > 0;

  async function agree(changes?: Record<string, string>): Promise<void> {
    await typed(url(changes));
    await page.click('button[value="approve"]');
    if ((await page.locator('input[name="login"]').count()) > 0) await logIn(page);
    else await page.click('button[type="submit"]');
    await page.waitForURL(`${client.redirectUri}**`);
  }

  it('counts when the address is typed or an app opens it, and ends at the client', async () => {
    await agree();
    await typed(url({ state: 'the-second' }));
    expect(await isAsked()).toBe(false);
    expect(page.url()).toContain(idp.issuer);
    await page.click('button[type="submit"]');
    await page.waitForURL(`${client.redirectUri}**`);
    const answer = client.answers.at(-1);
    expect(answer?.searchParams.get('state')).toBe('the-second');
    expect(answer?.searchParams.get('code')).toBeTruthy();
  });

  it('does not count when a page of another site leads there — by a link or by itself', async () => {
    for (const kind of ['link', 'refresh']) {
      await typed(`${elsewhere.url}/${kind}?${encodeURIComponent(url())}`);
      if (kind === 'link') await page.click('a');
      await page.waitForURL(`${app.issuer}/consent**`);
      expect(await isAsked()).toBe(true);
    }
  });

  it('does not count for a client that an attacker could name, whatever the browser says', async () => {
    await agree({ client_id: publicClient });
    // Chromium says of a redirect what it said of the typed address that redirects.
    const request = page.waitForRequest((r) => r.url().startsWith(`${app.issuer}/authorize`));
    await typed(
      `${elsewhere.url}/redirect?${encodeURIComponent(url({ client_id: publicClient }))}`,
    );
    expect((await (await request).allHeaders())['sec-fetch-site']).toBe('none');
    expect(await isAsked()).toBe(true);
  });

  it('ends when the user cancels', async () => {
    await typed(`${elsewhere.url}/link?${encodeURIComponent(url())}`);
    await page.click('a');
    await page.click('button[value="deny"]');
    await page.waitForURL(`${client.redirectUri}**`);
    await typed(url());
    expect(await isAsked()).toBe(true);
  });
});

function authorizationUrl(
  { issuer }: ProtectedApp,
  client: { id: string; redirectUri: string },
  changes: Record<string, string> = {},
): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: client.redirectUri,
    code_challenge: codeChallengeOf(randomToken()),
    code_challenge_method: 'S256',
    scope: 'mcp:use reports:write',
    state: 'the-state',
    ...changes,
  });
  return `${issuer}/authorize?${query.toString()}`;
}

/** Goes through the pages of the provider. */
async function logIn(page: Page): Promise<void> {
  await page.waitForSelector('input[name="login"]');
  await page.fill('input[name="login"]', 'alice');
  await page.fill('input[name="password"]', 'any');
  await page.click('button[type="submit"]');
  await page.waitForSelector('form[action*="/interaction/"]');
  await page.click('button[type="submit"]');
}

/** Another site, which leads to the address in its query: by a link, by itself, or by a redirect. */
async function startSite() {
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
    const target = decodeURIComponent(search.slice(1)).replaceAll('&', '&amp;');
    if (pathname === '/redirect') {
      response.writeHead(302, { location: decodeURIComponent(search.slice(1)) }).end();
      return;
    }
    response.setHeader('content-type', 'text/html');
    if (pathname === '/link') response.end(`<a href="${target}">here</a>`);
    else response.end(`<meta http-equiv="refresh" content="0;url=${target}">`);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function overflow(page: Page): Promise<unknown> {
  return page.evaluate(
    'Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)',
  );
}

/** A client that listens on loopback, as programs on a desktop do, and has registered. */
async function startClient(app: ProtectedApp) {
  const answers: URL[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    // The browser also asks for an icon.
    if (url.pathname === '/callback') answers.push(url);
    response.end('You can close this window.');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  const response = await fetch(`${app.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Claude <b>Desktop</b>',
      redirect_uris: ['http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
    }),
  });
  const { client_id: id } = (await response.json()) as { client_id: string };
  return {
    id,
    redirectUri,
    answers,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
