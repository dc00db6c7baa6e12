import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from './app.js';
import { MintedSecrets } from './minted-secrets.js';
import { startFlow } from './proxy-flow.js';
import { UpstreamIdp } from './upstream-idp.js';

describe('MintedSecrets', () => {
  const minted = new MintedSecrets();
  const secret = (n: number): string => `secret-${n}-abcdefghijklmnop`;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, {
        'set-cookie': `a=${secret(1)}; Path=/`,
        location: `/x?code=${secret(2)}`,
      });
      response.write(`{"access_token":"${secret(3)}",`);
      response.end(`"other":"not-a-secret-abcdefghijkl"}`);
    });
  });

  beforeAll(async () => {
    minted.watch(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/?state=${secret(4)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret(5)}` },
      body: new URLSearchParams({ code_verifier: secret(6), name: 'not-a-secret-mnopqrstuvwx' }),
      redirect: 'manual',
    });
    await answer.text();
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('knows what passed in either direction, and nothing else', () => {
    expect(minted.size).toBe(6);
    for (let n = 1; n <= 6; n++) expect(minted.shownIn(`… ${secret(n)} …`)).toHaveLength(1);
    expect(minted.shownIn('not-a-secret-abcdefghijkl not-a-secret-mnopqrstuvwx')).toEqual([]);
    expect(minted.shownIn(Buffer.from(secret(3)).toString('base64url'))).toHaveLength(1);
  });
});

describe.each(platforms)('an app of the tests on %s', (platform) => {
  it('does not close in peace when its log or an event showed a secret', async () => {
    const idp = await UpstreamIdp.start();
    const good = await startFlow({ idp, platform });
    await good.tokensFor(await good.register());
    await good.close();

    const bad = await startFlow({ idp, platform });
    const { access_token: token } = await bad.tokensFor(await bad.register());
    bad.log.debug(`the token was ${token}`);
    await expect(bad.close()).rejects.toThrow('access_token');
    await idp.stop();
  });
});
