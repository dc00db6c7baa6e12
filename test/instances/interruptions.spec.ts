// An app that is restarted in the midst of a login, and one that is cut off from its store.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { NetworkCable } from '../support/network-cable.js';
import {
  type Answer,
  atClient,
  jsonOf,
  ProxyFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { describeWithPostgres, describeWithRedis } from '../support/services.js';
import { openFolder, openPostgres, openRedis } from '../support/shared-stores.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

afterAll(() => idp.stop());

describe('a login', () => {
  it('goes on after each restart of the app', async () => {
    const store = await openFolder();
    undo.push(() => store.remove());
    const app = await AppProcess.start({ idp, store: store.settings });
    undo.push(() => app.close());
    const flow = new ProxyFlow(app, idp);
    const client = await flow.register();
    const request = flow.authorizationRequest(client);
    const browser = new Browser();
    const restart = async (): Promise<void> => {
      await app.kill();
      await app.restart();
    };
    const page = await flow.consentPage(request, browser);
    await restart();
    const approved = await browser.approve(page, flow.atIdp);
    const callback = `${flow.issuer}/auth/callback`;
    const back = await browser.walk(approved.url, { user: 'alice', stopAt: callback });
    await restart();
    const visit = await browser.open(back.url, { stopAt: atClient(client) });
    await restart();
    const code = new URL(visit.url).searchParams.get('code') ?? '';
    const held = { code, client, request, callback: new URL(visit.url), browser };
    const tokens = tokensOf(await flow.redeem(held));
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
  });
});

describe.each([
  { name: 'Redis', describe: describeWithRedis, open: openRedis },
  { name: 'PostgreSQL', describe: describeWithPostgres, open: openPostgres },
])('$name', ({ name, describe: describeWith, open }) => {
  describeWith(`an app that is cut off from ${name}`, () => {
    let cable: NetworkCable;
    let flow: ProxyFlow<UpstreamIdp, AppProcess>;
    let client: TestClient;
    let tokens: Tokens;

    it('has no verdict on anything, and goes on by itself when it is back', async () => {
      const store = await open();
      undo.push(() => store.remove());
      const { settings } = store;
      if (settings.kind === 'lmdb') throw new Error('There is no cable to a folder.');
      const url = new URL(settings.url);
      cable = await NetworkCable.lay(Number(url.port));
      undo.push(() => cable.cut());
      url.port = String(cable.port);
      const app = await AppProcess.start({ idp, store: { ...settings, url: url.href } });
      undo.push(() => app.close());
      flow = new ProxyFlow(app, idp);
      client = await flow.register();
      tokens = await flow.tokensFor(client);
      const held = await flow.codeFor(client);

      await cable.cut();
      const expectNoVerdict = ({ status, headers }: Answer): void => {
        expect(status).toBe(503);
        expect(headers['retry-after']).toMatch(/^\d+$/);
        expect(headers['www-authenticate']).toBeUndefined();
      };
      expectNoVerdict(await flow.callMcp(tokens.access_token));
      const refusals = [
        await flow.refresh(tokens.refresh_token, client),
        await flow.redeem(held),
        await flow.revoke(tokens.refresh_token, client),
        await flow.tryRegister(),
      ];
      for (const refusal of refusals) {
        expectNoVerdict(refusal);
        expect(jsonOf(refusal)).toMatchObject({ error: 'temporarily_unavailable' });
      }

      await cable.mend();
      while ((await flow.callMcp(tokens.access_token)).status === 503);
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
      // Nothing was half done, and nothing was used up.
      const next = tokensOf(await flow.refresh(tokens.refresh_token, client));
      expect(await flow.isAccepted(next.access_token)).toBe(true);
      const others = tokensOf(await flow.redeem(held));
      expect(await flow.isAccepted(others.access_token)).toBe(true);
      expect((await flow.tryRegister()).status).toBe(201);
    });
  });
});
