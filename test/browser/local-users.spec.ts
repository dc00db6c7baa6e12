import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { AppModule } from '../../sample/02-local-users/app.module.js';
import { codeChallengeOf } from '../../lib/crypto/pkce.js';
import { randomToken } from '../../lib/crypto/random.js';
import { createApp, type RunningApp } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { describeWith } from '../support/services.js';

const executablePath = '/usr/bin/chromium';

const suite = describeWith('Chromium', existsSync(executablePath));

suite('a login at the app itself in Chromium', () => {
  const answers: URL[] = [];
  const violations: string[] = [];
  let folder: string;
  let app: RunningApp;
  let listener: Server;
  let redirectUri: string;
  let clientId: string;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'local-users-'));
    const port = await freePort();
    const baseUrl = `http://127.0.0.1:${port}`;
    const module = AppModule.with({ baseUrl, dataFolder: folder });
    app = await createApp(module, 'express', undefined, { port });
    listener = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      // Chromium asks for an icon as well.
      if (url.pathname === '/callback') answers.push(url);
      response.end('done');
    });
    await new Promise<void>((resolve) => {
      listener.listen(0, '127.0.0.1', resolve);
    });
    redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`;
    const registered = await fetch(`${baseUrl}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'Desktop', redirect_uris: [redirectUri] }),
    });
    clientId = ((await registered.json()) as { client_id: string }).client_id;
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    page = await (await browser.newContext()).newPage();
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) violations.push(message.text());
    });
  });

  afterAll(async () => {
    await browser?.close();
    listener?.close();
    await app?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const authorizeUrl = (): string =>
    `${app.url}/authorize?${new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: codeChallengeOf(randomToken()),
      code_challenge_method: 'S256',
      state: 'the-state',
    }).toString()}`;

  const logIn = async (login: string, password: string): Promise<void> => {
    await page.fill('input[name="login"]', login);
    await page.fill('input[name="password"]', password);
    await page.click('button');
  };

  it('leads over the password page and the consent page to the client', async () => {
    await page.goto(authorizeUrl());
    expect(await page.innerText('h1')).toBe('Log in to your notes');
    await logIn('alice', 'hatter');
    expect(await page.innerText('[role="alert"]')).toContain('did not work');
    await logIn('alice', 'wonderland');
    await page.waitForURL(`${app.url}/consent**`);
    expect(await page.innerText('#account')).toContain('You are logged in as Alice.');
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await page.waitForURL(`${redirectUri}**`);
    const answer = answers.at(-1);
    expect(answer?.searchParams.get('state')).toBe('the-state');
    expect(answer?.searchParams.get('code')).toBeTruthy();
  });

  it('lets another user take over, who is asked anew, in whatever tab', async () => {
    await page.goto(authorizeUrl());
    expect(await page.innerText('#account')).toContain('Alice');
    const tab = await page.context().newPage();
    await tab.goto(page.url());
    await tab.click('#account a');
    await tab.fill('input[name="login"]', 'bob');
    await tab.fill('input[name="password"]', 'builder');
    await tab.click('button');
    await tab.waitForURL(`${app.url}/consent**`);
    expect(await tab.innerText('#account')).toContain('Bob');
    // The first tab still shows Alice.
    const before = answers.length;
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await page.waitForSelector('#account:has-text("Bob")');
    expect(answers).toHaveLength(before);
    await tab.getByRole('button', { name: 'Allow', exact: true }).click();
    await tab.waitForURL(`${redirectUri}**`);
    expect(answers.at(-1)?.searchParams.get('code')).toBeTruthy();
    await tab.close();
  });

  it('breaks no policy of its own', () => {
    expect(violations).toEqual([]);
  });
});
