// MCP "Confused Deputy Problem": what holds when another than this server asks for the user's consent.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  dangerouslyTrustUnknownClients,
  dangerouslyWithoutConsent,
  externalConsent,
  MemoryStore,
  type OAuthProxyOptions,
} from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import {
  answerOf,
  expectInvariants,
  expectLocalRefusal,
  expectRedirectError,
  expectStoreUntouched,
} from '../support/outcomes.js';
import {
  atClient,
  clientRedirect,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
} from '../support/proxy-flow.js';
import { StoreSpy } from '../support/store-spy.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

type Proxy = Partial<OAuthProxyOptions>;

const closed: Proxy = { registration: false, clientIdMetadataDocuments: false };
const initialAccessTokens = ['an-initial-access-token-7Gq2-5kX9-Lm3Tn2Rb'];

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('a server that asks for no consent, on %s', (platform) => {
  const refusal = async (proxy: object): Promise<ConfigurationError> => {
    const outcome: unknown = await startFlow({ idp, platform, proxy }).then(
      (flow) => flow.close(),
      (error: unknown) => error,
    );
    if (outcome instanceof ConfigurationError) return outcome;
    throw new Error(`No ConfigurationError but ${String(outcome)}`);
  };

  describe.each([
    ['external', externalConsent],
    ['off', dangerouslyWithoutConsent],
  ] as const)('(%s)', (_name, consent) => {
    it.each<[string, Proxy, readonly string[]]>([
      ['by default', {}, ['server.registration', 'server.clientIdMetadataDocuments']],
      [
        'when both are asked for',
        { registration: true, clientIdMetadataDocuments: true },
        ['server.registration', 'server.clientIdMetadataDocuments'],
      ],
      ['with open registration', { clientIdMetadataDocuments: false }, ['server.registration']],
      [
        'with documents of every host',
        { registration: { initialAccessTokens } },
        ['server.clientIdMetadataDocuments'],
      ],
    ])(
      'does not start with clients nobody vetted: %s — CO-26, CF-04',
      async (_how, more, paths) => {
        const { issues } = await refusal({ consent, ...more });
        expect(issues.map((issue) => issue.path)).toEqual(paths);
        for (const { problem } of issues)
          expect(problem).toContain('dangerouslyTrustUnknownClients');
      },
    );

    it.each<[string, Proxy]>([
      ['that the operator gave', closed],
      ['with an initial access token', { ...closed, registration: { initialAccessTokens } }],
      ['of trusted hosts', { ...closed, clientIdMetadataDocuments: { allowedHosts: ['a.test'] } }],
      ['acknowledged as unknown', { unconsentedClients: dangerouslyTrustUnknownClients }],
    ])('starts with clients %s, and says so in the log — CO-26, CF-04', async (_who, more) => {
      const flow = await startFlow({ idp, platform, proxy: { consent, ...more } });
      const warnings = flow.log.matching('warn', 'configuration.warning');
      expect(warnings.map(({ text }) => text).join()).toContain('"option":"server.consent"');
      await flow.close();
    });
  });

  it.each([false, 'external', 'never', 'off', '', true, null, Symbol('mine')])(
    'is not made by %p — CO-26, CF-04',
    async (consent) => {
      const { issues } = await refusal({ ...closed, consent });
      expect(issues.map((issue) => issue.path)).toEqual(['server.consent']);
      const unconsentedClients = consent;
      const acknowledged = await refusal({ consent: externalConsent, unconsentedClients });
      expect(acknowledged.issues.map((i) => i.path)).toContain('server.unconsentedClients');
    },
  );

  it('is not what a server is by default, which warns of nothing — CO-26', async () => {
    for (const consent of [undefined, 'always', 'remember'] as const) {
      const flow = await startFlow({ idp, platform, proxy: { consent } });
      expect(flow.log.matching('warn', 'configuration.warning')).toEqual([]);
      const page = await flow.consentPage(
        flow.authorizationRequest(await flow.register()),
        new Browser(),
      );
      expect(page.forms).toHaveLength(1);
      await flow.close();
    }
  });
});

describe.each(platforms)('a login that nobody is asked about, on %s', (platform) => {
  const client: TestClient = { id: 'the-app', redirectUri: clientRedirect };
  let flow: ProxyFlow;

  beforeAll(async () => {
    flow = await startFlow({
      idp,
      platform,
      proxy: {
        ...closed,
        consent: externalConsent,
        clients: [{ clientId: client.id, redirectUris: [clientRedirect] }],
      },
    });
  });

  afterAll(() => flow.close());

  it('goes straight to the upstream and ends at the client', async () => {
    const request = flow.authorizationRequest(client);
    const begun = await flow.authorize(request);
    expectInvariants(begun, { issuer: flow.issuer });
    expect(begun.status).toBe(302);
    expect(begun.headers['location']).toContain(`${idp.endpoint('authorization')}?`);
    const tokens = await flow.tokensFor(client);
    expect(await flow.isAccepted(tokens.access_token)).toBe(true);
    expect(flow.log.matching('log', 'consent.skipped').at(-1)?.text).toContain('"external"');
  });

  it('also by a form', async () => {
    const browser = new Browser();
    const { params } = flow.authorizationRequest(client);
    const form = Object.fromEntries(new URLSearchParams(String(params)));
    const visit = await browser.forge(`${flow.issuer}/authorize`, form, flow.atIdp);
    expect(visit.url).toContain(`${idp.endpoint('authorization')}?`);
    expect(visit.history.map(({ method, status }) => [method, status])).toEqual([
      ['POST', 303],
      ['GET', 302],
    ]);
  });

  it('is bound to the browser that began it — CO-26, CB-01', async () => {
    const attacker = new Browser();
    const answer = await flow.upstreamAnswer(flow.authorizationRequest(client), {
      browser: attacker,
      user: 'bob',
    });
    const victim = new Browser();
    await flow.codeFor(client, { browser: victim });
    await expectStoreUntouched(flow, async () => {
      const lured = await victim.open(answer.url, { crossSite: true });
      expectLocalRefusal(answerOf(lured), flow, 403);
      expectLocalRefusal(answerOf(await new Browser().open(answer.url)), flow, 403);
    });
    const finished = await attacker.open(answer.url, { stopAt: atClient(client) });
    expect(new URL(finished.url).searchParams.get('code')).toBeTruthy();
  });

  it('has a state that nobody can know, and each its own', async () => {
    const request = flow.authorizationRequest(client);
    const [one, two] = await Promise.all([flow.authorize(request), flow.authorize(request)]);
    const states = [one, two].map((answer) =>
      new URL(String(answer.headers['location'])).searchParams.get('state'),
    );
    expect(new Set(states).size).toBe(2);
    for (const state of states) expect(state).toMatch(/^[\w-]{43}$/);
    expect(states).not.toContain(request.state);
  });

  it('still is checked before anything else — U2', async () => {
    const request = flow.authorizationRequest(client);
    const before = idp.requestsTo('authorization').length;
    const wrong = request.with({ redirect_uri: 'https://evil.test/cb' });
    expectLocalRefusal(await flow.authorize(wrong), flow);
    const plain = request.with({ code_challenge_method: 'plain' });
    expectRedirectError(await flow.authorize(plain), flow, plain, 'invalid_request');
    expect(idp.requestsTo('authorization')).toHaveLength(before);
  });

  it('leaves nothing to answer at the consent page', async () => {
    const answer = await flow.send('/consent?txn=AAAA', { headers: { accept: 'text/html' } });
    expectLocalRefusal(answer, flow);
  });
});

describe.each(platforms)(
  'a client that registered before consent was switched off, on %s',
  (platform) => {
    const [token] = initialAccessTokens;
    const vettedOnly: Proxy = {
      clientIdMetadataDocuments: false,
      registration: { initialAccessTokens },
    };

    /** The servers of one store, one after the other. */
    const after = async (
      proxies: readonly Proxy[],
      test: (flow: ProxyFlow, nth: number, browser: Browser) => Promise<void>,
    ): Promise<void> => {
      const store = new StoreSpy(new MemoryStore());
      const origin = `http://127.0.0.1:${await freePort()}`;
      for (const [nth, proxy] of proxies.entries()) {
        const port = await freePort();
        const flow = await startFlow({ idp, platform, store, origin, port, proxy });
        const browser = new Browser({ origins: { [origin]: `http://127.0.0.1:${port}` } });
        try {
          await test(flow, nth, browser);
        } finally {
          await flow.close();
        }
      }
    };

    const isAsked = async (flow: ProxyFlow, client: TestClient): Promise<boolean> => {
      const begun = await flow.authorize(flow.authorizationRequest(client));
      expectInvariants(begun, { issuer: flow.issuer });
      expect(begun.status).toBe(302);
      return String(begun.headers['location']).startsWith(`${flow.issuer}/consent?`);
    };

    const registerVetted = async (flow: ProxyFlow): Promise<TestClient> => {
      const answer = await flow.send('/register', {
        json: { redirect_uris: [clientRedirect], token_endpoint_auth_method: 'none', vetted: true },
        headers: { authorization: `Bearer ${token}` },
      });
      expect(answer.status).toBe(201);
      expect(answer.text).not.toContain('vetted');
      const { client_id: id } = jsonOf(answer) as { client_id: string };
      return { id, redirectUri: clientRedirect };
    };

    it.each<[string, OAuthProxyOptions['consent']]>([
      ['external', externalConsent],
      ['off', dangerouslyWithoutConsent],
    ])('still has to ask (%s) — CO-26, CF-04', async (_name, consent) => {
      let early: TestClient = { id: '', redirectUri: '' };
      let vetted = early;
      const closings: readonly Proxy[] = [
        {},
        { ...closed, consent },
        { ...vettedOnly, consent },
        { ...vettedOnly, consent, unconsentedClients: dangerouslyTrustUnknownClients },
      ];
      await after(closings, async (flow, nth, browser) => {
        // What a client says of itself does not vet it.
        if (nth === 0) early = await flow.register({ vetted: true });
        if (nth === 1) expect(await isAsked(flow, early)).toBe(true);
        if (nth === 2) {
          expect(await isAsked(flow, early)).toBe(true);
          vetted = await registerVetted(flow);
          expect(await isAsked(flow, vetted)).toBe(false);
          // The page is a real one: who agrees gets in.
          const { access_token } = await flow.tokensFor(early, { browser });
          expect(await flow.isAccepted(access_token)).toBe(true);
          // A client in use is as unknown as before.
          expect(await isAsked(flow, early)).toBe(true);
          await flow.tokensFor(vetted, { browser });
          expect(await isAsked(flow, vetted)).toBe(false);
        }
        if (nth === 3) expect(await isAsked(flow, early)).toBe(false);
      });
    });

    it('was vetted if a token was needed already while a page was shown — CO-26', async () => {
      let vetted: TestClient = { id: '', redirectUri: '' };
      await after([vettedOnly, { ...closed, consent: externalConsent }], async (flow, nth) => {
        if (nth === 0) vetted = await registerVetted(flow);
        expect(await isAsked(flow, vetted)).toBe(nth === 0);
      });
    });
  },
);

describe.each(platforms)('a login without a page that cannot go on, on %s', (platform) => {
  const client: TestClient = { id: 'the-app', redirectUri: clientRedirect };
  let flow: ProxyFlow;

  // Discovery happens at the first login.
  beforeEach(async () => {
    flow = await startFlow({
      idp,
      platform,
      proxy: {
        ...closed,
        consent: externalConsent,
        clients: [{ clientId: client.id, redirectUris: [clientRedirect] }],
      },
    });
  });

  afterEach(async () => {
    idp.recover();
    await flow.close();
  });

  it.each<[string, string, string, () => void]>([
    [
      'the upstream is down',
      'temporarily_unavailable',
      'upstream.failed',
      () => idp.failNext('discovery', '503', 5),
    ],
    [
      'the store is down',
      'temporarily_unavailable',
      'endpoint.failed',
      () => flow.app.store.failNext('set', new Error('redis://user:pass@10.0.0.1'), 'login:'),
    ],
  ])('tells the client when %s, and nobody else', async (_what, error, event, fail) => {
    const request = flow.authorizationRequest(client);
    fail();
    const refused = await expectStoreUntouched(flow, () => flow.authorize(request));
    expectRedirectError(refused, flow, request, error);
    expect(refused.headers['set-cookie']).toBeUndefined();
    expect(String(refused.headers['location'])).not.toMatch(/redis|discovery|503/);
    expect(flow.log.lines.filter(({ text }) => text.includes(event))).toHaveLength(1);
    idp.recover();
    const { access_token } = await flow.tokensFor(client);
    expect(await flow.isAccepted(access_token)).toBe(true);
  });

  it('keeps that to itself until the redirect URI is known to be the client’s — U2', async () => {
    const request = flow.authorizationRequest(client).with({ redirect_uri: 'https://evil.test/' });
    idp.failNext('discovery', '503', 5);
    expectLocalRefusal(await flow.authorize(request), flow);
  });
});
