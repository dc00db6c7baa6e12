import { describe, expect, it } from '@jest/globals';
import { fetchOf, VendorHost } from './vendor-host.js';

const hostOf = (): VendorHost =>
  new VendorHost('https://api.vendor.example', {
    'GET /keys': () => Response.json({ keys: [] }),
    'POST /token': ({ form, headers }) =>
      Response.json({ code: form.get('code'), auth: headers['authorization'] }),
  });

describe('a vendor of the tests', () => {
  it('answers at its real URL what it serves, and keeps every request', async () => {
    const host = hostOf();
    const answer = await host.fetch('https://api.vendor.example/token?a=1', {
      method: 'POST',
      headers: { Authorization: 'Basic x' },
      body: new URLSearchParams({ code: 'c d' }),
    });
    expect(await answer.json()).toEqual({ code: 'c d', auth: 'Basic x' });
    expect(host.requests).toHaveLength(1);
    expect(host.requestsTo('/token')[0]).toMatchObject({
      method: 'POST',
      url: 'https://api.vendor.example/token?a=1',
      body: 'code=c+d',
    });
  });

  it('refuses other paths and methods, and other hosts do not exist', async () => {
    const host = hostOf();
    expect((await host.fetch('https://api.vendor.example/other')).status).toBe(404);
    expect((await host.fetch('https://api.vendor.example/token')).status).toBe(405);
    for (const url of ['https://vendor.example/keys', 'http://api.vendor.example/keys']) {
      await expect(host.fetch(url)).rejects.toThrow('fetch failed');
    }
    const other = new VendorHost('https://vendor.example', { 'GET /keys': () => new Response() });
    expect((await fetchOf(host, other)('https://vendor.example/keys')).status).toBe(200);
  });

  it('fails as it is told to, until it recovers', async () => {
    const host = hostOf();
    const get = (signal?: AbortSignal): Promise<Response> =>
      host.fetch('https://api.vendor.example/keys', { ...(signal && { signal }) });
    host.fail('/keys', '500');
    expect((await get()).status).toBe(500);
    host.fail('/keys', 'html');
    expect((await get()).headers.get('content-type')).toBe('text/html');
    host.fail('/keys', 'disconnect');
    await expect(get()).rejects.toThrow('fetch failed');
    host.fail('/keys', 'hang');
    const caller = new AbortController();
    const hanging = get(caller.signal);
    caller.abort(new Error('no more'));
    await expect(hanging).rejects.toThrow('no more');
    host.recover();
    expect((await get()).status).toBe(200);
  });
});
