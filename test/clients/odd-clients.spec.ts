import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import {
  type ConnectOptions,
  connectV2,
  LoginRefused,
  MemoryOAuthProvider,
} from '../support/mcp-clients.js';
import { type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

/** A client that changes its authorization request before it sends the user away. */
class Meddler extends MemoryOAuthProvider {
  constructor(
    options: ConnectOptions,
    redirectUrl: string,
    private readonly meddle: (parameters: URLSearchParams) => void,
  ) {
    super(options, redirectUrl);
  }

  override redirectToAuthorization(authorizationUrl: URL): Promise<void> {
    const changed = new URL(authorizationUrl);
    this.meddle(changed.searchParams);
    return super.redirectToAuthorization(changed);
  }
}

describe.each(platforms)('clients that do not do as they should, with an app on %s', (platform) => {
  let idp: UpstreamIdp;
  let flow: ProxyFlow;

  beforeAll(async () => {
    idp = await UpstreamIdp.start();
    flow = await startFlow({ idp, platform });
  });

  afterAll(async () => {
    await flow.close();
    await idp.stop();
  });

  async function connect(meddle: (parameters: URLSearchParams) => void, browser = new Browser()) {
    const options = { url: flow.app.url, browser };
    const redirectUrl = `http://127.0.0.1:${await freePort()}/callback`;
    return connectV2({ ...options, provider: new Meddler(options, redirectUrl, meddle) });
  }

  it('takes one that does as it should', async () => {
    const connection = await connect(() => undefined);
    await expect(connection.whoami()).resolves.toMatchObject({ extra: { subject: 'alice' } });
    await connection.close();
  });

  it.each([
    ['sends no challenge', (sent: URLSearchParams) => sent.delete('code_challenge')],
    [
      'does without PKCE',
      (sent: URLSearchParams) => {
        sent.delete('code_challenge');
        sent.delete('code_challenge_method');
      },
    ],
    [
      'uses the plain method',
      (sent: URLSearchParams) => sent.set('code_challenge_method', 'plain'),
    ],
  ])('refuses one that %s, before the user is asked', async (_name, meddle) => {
    const browser = new Browser();
    const refused = connect(meddle, browser);
    await expect(refused).rejects.toBeInstanceOf(LoginRefused);
    await expect(refused).rejects.toThrow('invalid_request');
    expect(browser.history).toHaveLength(1);
  });

  it.each([undefined, 'native', 'web'] as const)(
    'takes one that registers with the application type %s',
    async (applicationType) => {
      const redirectUri = applicationType === 'web' ? 'https://client.test/callback' : undefined;
      const client = await flow.register({
        application_type: applicationType,
        ...(redirectUri && { redirect_uris: [redirectUri] }),
      });
      const tokens = await flow.tokensFor(client);
      expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    },
  );
});
