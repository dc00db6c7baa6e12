import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../sample/02-local-users/app.module.js';
import { UsersService } from '../../sample/02-local-users/users.service.js';
import { createApp, type RunningApp } from '../support/app.js';
import { Browser, type StopAt, type Visit } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { connectV1, connectV2 } from '../support/mcp-clients.js';

const passwords: Readonly<Record<string, string>> = { alice: 'wonderland', bob: 'builder' };

/** Knows the passwords of the sample. */
class UserBrowser extends Browser {
  override login(visit: Visit, user: string, stopAt?: StopAt): Promise<Visit> {
    const password = passwords[user] ?? 'unknown';
    return this.submit(visit, 0, { login: user, password }, { stopAt });
  }
}

describe('the sample with users of its own', () => {
  let folder: string;
  let running: RunningApp;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'local-users-'));
    const port = await freePort();
    const baseUrl = `http://127.0.0.1:${port}`;
    url = `${baseUrl}/mcp`;
    const module = AppModule.with({ baseUrl, dataFolder: folder });
    running = await createApp(module, 'express', undefined, { port });
  });

  afterAll(async () => {
    await running?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const loginPage = (browser: Browser, query = ''): Promise<Visit> =>
    browser.open(`${running.url}/login${query}`);

  it.each([
    ['v1', connectV1],
    [
      'v2, newest protocol',
      (options: Parameters<typeof connectV1>[0]) => connectV2({ ...options, mode: 'auto' }),
    ],
    ['v2, protocol of 2025', connectV2],
  ])(
    'logs in with the official client of SDK %s, by the page and its password',
    async (_name, connect) => {
      const connection = await connect({ url, browser: new UserBrowser(), user: 'bob' });
      const { text } = await connection.callTool('my_notes');
      expect(JSON.parse(text)).toEqual({ name: 'Bob', notes: ['Call Alice'] });
      connection.provider.corruptAccessToken();
      expect(JSON.parse((await connection.callTool('my_notes')).text)).toHaveProperty(
        'name',
        'Bob',
      );
      expect(connection.provider.authorizationUrls).toHaveLength(1);
      await connection.close();
    },
  );

  it('asks a user who has a session for the consent alone', async () => {
    const browser = new UserBrowser();
    const first = await connectV2({ url, browser, user: 'alice' });
    const before = browser.history.length;
    const second = await connectV2({ url, browser, user: 'nobody' });
    const paths = browser.history.slice(before).map((hop) => new URL(hop.url).pathname);
    expect(paths).toEqual(['/authorize', '/consent', '/consent']);
    expect(JSON.parse((await second.callTool('my_notes')).text)).toHaveProperty('name', 'Alice');
    await Promise.all([first.close(), second.close()]);
  });

  it('refuses a wrong password, a name that nobody has, and the form of another site', async () => {
    const browser = new Browser();
    const page = await loginPage(browser);
    const attempt = (values: Record<string, string>): Promise<Visit> =>
      browser.submit(page, 0, values);
    for (const values of [
      { login: 'alice', password: 'builder' },
      { login: 'carol', password: 'wonderland' },
      { login: 'alice', password: 'wonderland', csrf: '' },
      { login: 'alice', password: 'wonderland', csrf: 'x'.repeat(43) },
    ]) {
      const refused = await attempt(values);
      expect(refused.status).toBe(401);
      expect(refused.html).toContain('That did not work');
    }
    const forged = await browser.forge(`${running.url}/login`, {
      login: 'alice',
      password: 'wonderland',
    });
    expect(forged.status).toBe(401);
    const own = await loginPage(browser);
    const done = await browser.submit(own, 0, { login: 'alice', password: 'wonderland' });
    expect(done.html).toContain('You are Alice.');
  });

  it('gives a browser that logs in another session than it had', async () => {
    const browser = new Browser();
    const page = await loginPage(browser);
    const id = (): string =>
      browser.cookies
        .list()
        .map(({ value }) => value)
        .join();
    const before = id();
    await browser.submit(page, 0, { login: 'alice', password: 'wonderland' });
    expect(id()).not.toBe(before);
    const old = new Browser();
    old.cookies.store(new URL(running.url), `notes-session=${before}; Path=/`);
    expect((await loginPage(old)).html).not.toContain('You are Alice');
  });

  it.each(['https://elsewhere.example/', '//elsewhere.example', '/mcp', '%22%3E%3Cb%3E'])(
    'sends nobody who logged in to %s',
    async (elsewhere) => {
      const browser = new Browser();
      const page = await loginPage(browser, `?return_to=${elsewhere}`);
      expect(page.html).not.toContain('elsewhere');
      expect(page.html).not.toContain('<b>');
      const values = { login: 'bob', password: 'builder', return_to: elsewhere };
      const ended = await browser.submit(page, 0, values);
      expect(ended.url).toBe(`${running.url}/login`);
    },
  );

  it('makes who guesses wait, also with the right password', async () => {
    const browser = new Browser();
    const page = await loginPage(browser);
    const attempt = (password: string): Promise<Visit> =>
      browser.submit(page, 0, { login: 'bob', password });
    expect((await attempt('builder')).status).toBe(200);
    const again = await loginPage(browser);
    const guess = (password: string): Promise<Visit> =>
      browser.submit(again, 0, { login: 'bob', password });
    for (let i = 0; i < 5; i++) expect((await guess(`guess ${i}`)).status).toBe(401);
    expect((await guess('builder')).status).toBe(401);
  });

  // The last one: it removes Alice.
  it('refreshes nothing for a user who was removed', async () => {
    const connection = await connectV2({ url, browser: new UserBrowser(), user: 'alice' });
    expect((await connection.callTool('my_notes')).text).toContain('Feed the cat');
    running.app.get(UsersService, { strict: false }).remove('u1');
    connection.provider.corruptAccessToken();
    await expect(connection.callTool('my_notes')).rejects.toThrow();
    await connection.close();
  });
});
