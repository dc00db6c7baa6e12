import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { LmdbStore } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { FakeServer } from '../support/fake-sources.js';
import { closeApps, baseUrl, startApp, unreachedProxy } from '../e2e/module/support.js';

afterEach(closeApps);

describe.each(platforms)('the end of an app on %s (NE-10)', (platform) => {
  it('frees the store: a second app goes on in the same folder', async () => {
    const path = await mkdtemp(join(tmpdir(), 'multi-auth-'));
    const clientIds: string[] = [];
    for (let round = 0; round < 2; round++) {
      const store = new LmdbStore({ path });
      const app = await startApp({
        platform,
        options: { baseUrl, server: unreachedProxy({ storage: store }) },
      });
      const { json } = await app.postJson('/register', { redirect_uris: ['http://127.0.0.1/cb'] });
      clientIds.push(String(json['client_id']));
      for (const clientId of clientIds) {
        const { json: refusal } = await app.postForm('/token', { client_id: clientId });
        // The client is known; what is missing is the grant type.
        expect(refusal['error']).toBe('invalid_request');
      }
      await app.close();
      await expect(store.get('any')).rejects.toThrow('closed');
    }
    expect(new Set(clientIds).size).toBe(2);
    await rm(path, { recursive: true });
  });

  it('leaves no timer and no socket behind', async () => {
    const before = resources();
    const app = await startApp({ platform });
    await app.request('/mcp');
    await app.call('/mcp', 'known');
    await app.close();
    // What Node itself ends in the next turns.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(resources().filter((kind) => !before.includes(kind))).toEqual([]);
  });

  it('stops the server once, with or without traffic', async () => {
    const server = new FakeServer({ name: 'server' });
    const app = await startApp({ platform, options: { baseUrl, server } });
    await app.close();
    expect([server.starts, server.stops]).toEqual([1, 1]);
  });

  it('is not held up by a server that cannot stop', async () => {
    class Stuck extends FakeServer {
      override stop(): void {
        super.stop();
        throw new Error('cannot stop');
      }
    }
    const server = new Stuck({ name: 'server' });
    const app = await startApp({ platform, options: { baseUrl, server } });
    await app.close();
    expect(server.stops).toBe(1);
  });
});

/** What keeps the process alive, as Node counts it, without the sockets of the test's own client. */
function resources(): readonly string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'TCPSocketWrap');
}
