import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser } from './browser.js';
import { formActionAllows } from './form-action.js';
import { parseForms } from './html.js';

describe('Browser', () => {
  let server: Server;
  let app = '';
  let other = '';
  const seen: { url: string; headers: IncomingMessage['headers']; body: string }[] = [];

  beforeAll(async () => {
    server = createServer((req, res) => void answer(req, res));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    app = `http://127.0.0.1:${port}`;
    other = `http://localhost:${port}`;
  });
  afterAll(() => {
    server.close();
  });

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of req) body += String(chunk);
    const url = new URL(req.url ?? '', app);
    seen.push({ url: url.pathname, headers: req.headers, body });
    const to = url.searchParams.get('to');
    if (url.pathname === '/redirect') {
      const status = Number(url.searchParams.get('status') ?? 302);
      return void res.writeHead(status, { location: to ?? '/page', 'set-cookie': 'hop=1' }).end();
    }
    for (const name of ['referrer-policy', 'content-security-policy']) {
      const value = url.searchParams.get(name);
      if (value) res.setHeader(name, value);
    }
    res.setHeader('content-type', 'text/html; charset=utf-8');
    if (url.pathname === '/plain') return void res.end('<p>Nothing to do.</p>');
    res.end(
      `<!doctype html><!-- <form action="/no"> --><script>"<form>"</script>
       <form method="post" action="${to ?? '/redirect?to=%2Fpage'}">
         <input type=hidden name='csrf' value="a&amp;b&quot;>"><input type="checkbox" name="off">
         <button name="action" value="approve">Yes</button>
         <button name="action" value="deny">No</button>
       </form>`,
    );
  }

  function last() {
    const request = seen.at(-1);
    if (!request) throw new Error('Nothing arrived.');
    return request;
  }

  it('follows redirects with the cookies set on the way and records each hop', async () => {
    const visit = await new Browser().open(`${app}/redirect`);
    expect(visit).toMatchObject({ url: `${app}/page`, status: 200, stopped: false });
    expect(visit.history.map(({ status, setCookie }) => [status, setCookie])).toEqual([
      [302, ['hop=1']],
      [200, []],
    ]);
    expect(last().headers.cookie).toBe('hop=1');
    expect(last().headers['sec-fetch-site']).toBe('none');
  });

  it('stops before the given URL and before one that is not http', async () => {
    const callback = 'http://127.0.0.1:9/callback';
    const to = encodeURIComponent(`${callback}?code=1`);
    const stopped = await new Browser().open(`${app}/redirect?to=${to}`, { stopAt: callback });
    expect(stopped).toMatchObject({ stopped: true, url: `${callback}?code=1`, status: 0 });
    await expect(new Browser().open(`${app}/redirect?to=${to}`)).rejects.toThrow('ECONNREFUSED');
    const native = await new Browser().open(`${app}/redirect?to=cursor%3A%2F%2Fx%3Fcode%3D1`);
    expect(native).toMatchObject({ stopped: true, url: 'cursor://x?code=1' });
  });

  it('submits the pressed button with the hidden fields, as a page of that origin', async () => {
    const browser = new Browser();
    const page = await browser.open(`${app}/page`);
    const visit = await browser.deny(page);
    expect(visit.history[0]).toMatchObject({ method: 'POST', status: 302 });
    const post = seen.at(-2);
    expect(Object.fromEntries(new URLSearchParams(post?.body))).toEqual({
      csrf: 'a&b">',
      action: 'deny',
    });
    expect(post?.headers).toMatchObject({ origin: app, 'sec-fetch-site': 'same-origin' });
    expect(last()).toMatchObject({ url: '/page', body: '' });
    expect(last().headers.origin).toBeUndefined();
    await expect(async () => browser.submit(page, { button: 'action=x' })).rejects.toThrow(
      'No button',
    );
  });

  it('walks through a consent page with the decision it was given', async () => {
    const callback = 'http://127.0.0.1:9/callback';
    const to = encodeURIComponent(`/redirect?to=${encodeURIComponent(callback)}`);
    for (const decision of ['approve', 'deny'] as const) {
      const options = { user: 'alice', decision, stopAt: callback };
      const visit = await new Browser().walk(`${app}/page?to=${to}`, options);
      expect(visit).toMatchObject({ stopped: true, url: callback });
      expect(new URLSearchParams(last().body).get('action')).toBe(decision);
    }
    const unknown = await new Browser().walk(`${app}/plain`, { user: 'alice' });
    expect(unknown).toMatchObject({ stopped: false, status: 200, forms: [] });
  });

  it('keeps the method and body on a 307', async () => {
    const browser = new Browser();
    const target = `/redirect?status=307&to=/page`;
    await browser.approve(await browser.open(`${app}/page?to=${encodeURIComponent(target)}`));
    expect(new URLSearchParams(last().body).get('action')).toBe('approve');
  });

  it('blanks Origin on a page whose referrer policy says so, as browsers do', async () => {
    const browser = new Browser();
    await browser.approve(await browser.open(`${app}/page?to=/page&referrer-policy=no-referrer`));
    expect(last().headers.origin).toBe('null');
    await browser.approve(await browser.open(`${app}/page?to=/page&referrer-policy=same-origin`));
    expect(last().headers.origin).toBe(app);
  });

  it('tells the server that another site began the navigation', async () => {
    const browser = new Browser();
    browser.cookies.store(new URL(app), 'lax=1; SameSite=Lax');
    browser.cookies.store(new URL(app), 'strict=1; SameSite=Strict');
    await browser.open(`${app}/page`);
    expect(last().headers.cookie).toBe('lax=1; strict=1');
    await browser.open(`${app}/page`, { crossSite: true });
    expect(last().headers).toMatchObject({ cookie: 'lax=1', 'sec-fetch-site': 'cross-site' });
    await browser.forge(`${app}/page`, { action: 'approve' });
    expect(last().headers).toMatchObject({
      origin: 'https://elsewhere.example',
      'sec-fetch-site': 'cross-site',
    });
    expect(last().headers.cookie).toBeUndefined();
  });

  it('refuses a form submission that the policy of the page forbids, also after a redirect', async () => {
    const browser = new Browser();
    const to = encodeURIComponent(`/redirect?to=${encodeURIComponent(`${other}/page`)}`);
    const open = (policy: string) =>
      browser.open(`${app}/page?to=${to}&content-security-policy=${encodeURIComponent(policy)}`);
    const strict = await open("default-src 'none'; form-action 'self'");
    await expect(browser.approve(strict)).rejects.toThrow('form-action');
    const wide = await open(`form-action 'self' ${other}`);
    await expect(browser.approve(wide)).resolves.toMatchObject({ url: `${other}/page` });
  });

  it('reaches a public https origin through its proxy, where Secure cookies work', async () => {
    const browser = new Browser({ origins: { 'https://mcp.example.com': app } });
    browser.cookies.store(
      new URL('https://mcp.example.com/'),
      '__Host-tx=1; Secure; Path=/; SameSite=Lax',
    );
    const visit = await browser.open('https://mcp.example.com/redirect');
    expect(visit.url).toBe('https://mcp.example.com/page');
    expect(last().headers).toMatchObject({
      host: 'mcp.example.com',
      'x-forwarded-proto': 'https',
      cookie: '__Host-tx=1; hop=1',
    });
    await expect(browser.open('https://unknown.example/')).rejects.toThrow('No server is known');
  });
});

describe('parseForms', () => {
  it('reads fields, buttons and the action of each form', () => {
    const html = `<script>"<form></form>"</script><!-- <form></form> --><form action="go?a=1&amp;b=2"><input name=q value='<"&#39;'>
      <input type="checkbox" name="on" checked><button>Go</button></form>
      <form method=POST></form>`;
    expect(parseForms(html, 'https://a.example/dir/page?x=1')).toEqual([
      {
        action: 'https://a.example/dir/go?a=1&b=2',
        method: 'GET',
        fields: [
          { name: 'q', value: `<"'`, type: 'text' },
          { name: 'on', value: 'on', type: 'checkbox' },
        ],
        buttons: [],
      },
      { action: 'https://a.example/dir/page?x=1', method: 'POST', fields: [], buttons: [] },
    ]);
  });
});

describe('formActionAllows', () => {
  it.each([
    ["default-src 'none'", 'https://b.example/', true],
    ["form-action 'none'", 'https://a.example/', false],
    ["form-action 'self'", 'https://a.example/x', true],
    ["form-action 'self' cursor:", 'cursor://x', true],
    ["form-action 'self'", 'cursor://x', false],
    ['form-action http://127.0.0.1:*', 'http://127.0.0.1:5/x', true],
    ['form-action http://127.0.0.1:6', 'http://127.0.0.1:5/x', false],
    ['form-action https:', 'https://b.example/', true],
    ['form-action https:', 'http://b.example/', false],
  ])('%s to %s: %s', (policy, target, allowed) => {
    expect(formActionAllows([policy], 'https://a.example/', target)).toBe(allowed);
  });
});
