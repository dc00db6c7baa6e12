import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { type ProtectedApp, startProtectedApp } from '../support/protected-app.js';
import { UpstreamIdp } from '../support/upstream-idp.js';
import { callbackOf, runAuthorizationSuite } from './authorization-suite.js';

const cases = platforms.flatMap((platform) =>
  ['', '/tenant'].map((issuerPath) => ({ platform, issuerPath })),
);

describe.each(cases)(
  'the official authorization suite on $platform, issuer path "$issuerPath"',
  ({ platform, issuerPath }) => {
    let idp: UpstreamIdp;
    let app: ProtectedApp;
    let port: number;

    beforeAll(async () => {
      idp = await UpstreamIdp.start();
      port = await freePort();
      app = await startProtectedApp({
        idp,
        platform,
        issuerPath,
        proxy: { clients: [{ clientId: 'conformance', redirectUris: [callbackOf(port)] }] },
      });
    });

    afterAll(async () => {
      await app.close();
      await idp.stop();
    });

    it('passes both scenarios', async () => {
      const results = await runAuthorizationSuite({
        issuer: app.issuer,
        clientId: 'conformance',
        port,
        resource: app.url,
        walk: async (url) => {
          const visit = await new Browser().walk(url, {
            user: 'alice',
            stopAt: callbackOf(port),
          });
          return visit.url;
        },
      });
      const clean = { failed: 0, warnings: 0, remarks: [] };
      expect(results).toEqual([
        { scenario: 'authorization-code-grant', passed: 1, ...clean },
        { scenario: 'authorization-server-metadata-endpoint', passed: 2, ...clean },
      ]);
    });
  },
);
