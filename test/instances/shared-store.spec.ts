// Two processes of an app on one store, behind a balancer without sticky sessions.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppPair } from '../support/app-pair.js';
import { Browser } from '../support/browser.js';
import { ClientSigner } from '../support/client-signer.js';
import { expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  atClient,
  clientRedirect,
  ProxyFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { sharedStores } from '../support/shared-stores.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const attempts = 50;
const signing: TestClient = { id: 'signing-client', redirectUri: clientRedirect };
let idp: UpstreamIdp;
let signer: ClientSigner;

beforeAll(async () => {
  idp = await UpstreamIdp.start({ accessTokenTtlSeconds: 300 });
  signer = await ClientSigner.create();
});

afterAll(() => idp.stop());

describe.each(sharedStores)('$name', ({ describe: describeWith, open, name }) => {
  describeWith(`two processes on one ${name}`, () => {
    let pair: AppPair;
    let remove: () => Promise<void>;
    let client: TestClient;
    let offsetSeconds = 0;

    beforeAll(async () => {
      const store = await open();
      remove = store.remove;
      const { id: clientId, redirectUri } = signing;
      const clients = [{ clientId, redirectUris: [redirectUri], jwks: signer.jwks }];
      signer.now = () => Math.floor(Date.now() / 1000) + offsetSeconds;
      pair = await AppPair.start({ idp, store: store.settings, proxy: { clients } });
      client = await pair.flows[0].register();
    });

    afterAll(async () => {
      await pair.close();
      await remove();
    });

    const wonOf = (answers: readonly Answer[]): readonly Answer[] =>
      answers.filter(({ status }) => status === 200);

    /** The different sets of tokens among the answers that both apps accept and refresh. */
    async function usable(answers: readonly Answer[], owner = client): Promise<readonly Tokens[]> {
      const sets = new Map(wonOf(answers).map((answer) => [answer.text, tokensOf(answer)]));
      const found: Tokens[] = [];
      for (const tokens of sets.values()) {
        const accepted = await Promise.all(
          pair.flows.map((flow) => flow.isAccepted(tokens.access_token)),
        );
        expect(accepted[0]).toBe(accepted[1]);
        if (accepted[0] !== true) continue;
        const proof = owner === client ? {} : signer.proof(owner.id, pair.flows[0].issuer);
        const [, other] = pair.flows;
        const refreshed = await other.token(
          other.refreshRequest(tokens.refresh_token, owner).with(proof),
        );
        if (await other.isAccepted(tokensOf(refreshed).access_token)) found.push(tokens);
      }
      return found;
    }

    /** Moves time on, until the upstream's tokens and ours have expired. */
    async function expire(): Promise<void> {
      offsetSeconds += 301;
      await pair.setClocks(offsetSeconds);
    }

    it('share every step of a login, and its end', async () => {
      const [one, two] = pair.flows;
      // Each request of client and browser goes through the balancer, and to the other app.
      const through = new ProxyFlow(one.app, idp);
      const before = pair.balancer.served.length;
      const newcomer = await through.register();
      const tokens = await through.tokensFor(newcomer);
      const next = tokensOf(await through.refresh(tokens.refresh_token, newcomer));
      expect(await through.isAccepted(next.access_token)).toBe(true);
      const served = pair.balancer.served.slice(before);
      const took = (path: string) => served.find((request) => request.path === path)?.port;
      expect(served.every(({ port }, i) => i === 0 || port !== served[i - 1]?.port)).toBe(true);
      expect(took('/authorize')).not.toBe(took('/consent'));
      expect(took('/auth/callback')).not.toBe(took('/token'));
      expect((await one.revoke(next.refresh_token, newcomer)).status).toBe(200);
      expect(await two.isAccepted(next.access_token)).toBe(false);
      expect((await two.refresh(next.refresh_token, newcomer)).status).toBe(400);
    });

    it('let one of fifty redemptions of a code win', async () => {
      // Whoever begins after the winner was done is no rival but a replay, and ends the grant: the
      // rounds go on until fifty were simultaneous.
      for (let isReplayed = true; isReplayed;) {
        const held = await pair.flows[0].codeFor(client);
        const upstream = idp.requestsTo('token').length;
        const replays = pair.printed('authorization_code.replayed');
        const answers = await pair.race(attempts, (flow) => flow.redeem(held));
        expect(wonOf(answers)).toHaveLength(1);
        for (const lost of answers.filter(({ status }) => status !== 200)) {
          expectTokenError(lost, pair.flows[0], 'invalid_grant');
        }
        isReplayed = pair.printed('authorization_code.replayed') > replays;
        expect(await usable(answers)).toHaveLength(isReplayed ? 0 : 1);
        expect(idp.requestsTo('token')).toHaveLength(upstream);
      }
    });

    it('give fifty refreshes one answer, and refresh upstream once', async () => {
      const tokens = await pair.flows[0].tokensFor(client);
      await expire();
      const upstream = pair.flows[0].upstreamGrants('refresh_token');
      const race = () => pair.race(attempts, (flow) => flow.refresh(tokens.refresh_token, client));
      const answers = await race();
      expect(wonOf(answers)).toHaveLength(attempts);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(pair.flows[0].upstreamGrants('refresh_token')).toBe(upstream + 1);
      // A client that did not hear it asks again: its user is still logged in.
      const again = await pair.flows[1].refresh(tokens.refresh_token, client);
      expect(again.text).toBe(answers[0]?.text);
      expect(await usable([...answers, again])).toHaveLength(1);
      expect(pair.flows[0].upstreamGrants('refresh_token')).toBe(upstream + 1);
    });

    it('let one of fifty callbacks finish a login', async () => {
      const [one] = pair.flows;
      const browser = new Browser();
      const request = one.authorizationRequest(client);
      const { url } = await one.upstreamAnswer(request, { browser });
      const cookie = browser.cookies.header(new URL(url), { method: 'GET', crossSite: true }) ?? '';
      const upstream = one.upstreamGrants('authorization_code');
      const answers = await pair.race(attempts, (flow) => flow.send(url, { headers: { cookie } }));
      const codes = answers.flatMap(({ headers }) => {
        const location = String(headers['location']);
        return location.includes('code=') ? [new URL(location).searchParams.get('code') ?? ''] : [];
      });
      expect(codes).toHaveLength(1);
      expect(one.upstreamGrants('authorization_code')).toBe(upstream + 1);
      const held = { code: codes[0] ?? '', client, request, callback: new URL(url), browser };
      expect(await usable([await pair.flows[1].redeem(held)])).toHaveLength(1);
    });

    it.each([
      ['fifty approvals', ['approve']],
      ['approvals and denials', ['approve', 'deny', 'deny', 'approve']],
    ] as const)('let %s decide a login once', async (_name, actions) => {
      const [one] = pair.flows;
      const browser = new Browser();
      const request = one.authorizationRequest(client);
      const page = await one.consentPage(request, browser);
      const fields = Object.fromEntries(page.forms[0]?.fields.map((f) => [f.name, f.value]) ?? []);
      const site = { method: 'POST', crossSite: false } as const;
      const headers = {
        accept: 'text/html',
        origin: one.app.origin,
        'sec-fetch-site': 'same-origin',
        cookie: browser.cookies.header(new URL(one.issuer), site) ?? '',
      };
      const actionOf = (i: number) => actions[i % actions.length] ?? 'approve';
      const answers = await pair.race(attempts, (flow, i) =>
        flow.send('/consent', { form: { ...fields, action: actionOf(i) }, headers }),
      );
      const won = answers.filter(({ status }) => status === 303);
      const decided = new Set(answers.flatMap((a, i) => (a.status === 303 ? [actionOf(i)] : [])));
      expect(decided.size).toBe(1);
      expect(new Set(won.map((answer) => answer.headers['location'])).size).toBe(1);
      expect(answers.every(({ status }) => status === 303 || status === 400)).toBe(true);
      const location = String(won[0]?.headers['location']);
      if (decided.has('deny')) {
        expect(new URL(location).searchParams.get('error')).toBe('access_denied');
        return;
      }
      for (const line of [won[0]?.headers['set-cookie'] ?? []].flat()) {
        browser.cookies.store(new URL(one.issuer), line);
      }
      const visit = await browser.walk(location, { user: 'alice', stopAt: atClient(client) });
      const code = new URL(visit.url).searchParams.get('code') ?? '';
      const held = { code, client, request, callback: new URL(visit.url), browser };
      expect(await usable([await pair.flows[1].redeem(held)])).toHaveLength(1);
    });

    it('take a client assertion once of fifty times', async () => {
      const [one] = pair.flows;
      const proof = () => signer.proof(signing.id, one.issuer);
      const tokens = tokensOf(await one.redeem(await one.codeFor(signing), proof()));
      const assertion = proof();
      const answers = await pair.race(attempts, (flow) =>
        flow.token(flow.refreshRequest(tokens.refresh_token, signing).with(assertion)),
      );
      expect(wonOf(answers)).toHaveLength(1);
      for (const lost of answers.filter(({ status }) => status !== 200)) {
        expectTokenError(lost, one, 'invalid_client', 401);
      }
      expect(await usable(answers, signing)).toHaveLength(1);
    });
  });
});
