import { ClientSigner } from './client-signer.js';
import { Browser } from './browser.js';
import { ManualClock } from './manual-clock.js';
import { MultiAuthService } from '../../lib/index.js';
import { type Answer, atClient, clientRedirect, startFlow, type Tokens } from './proxy-flow.js';
import { tokensOf } from './proxy-flow.js';
import type { StoreEntry } from './store-spy.js';
import type { UpstreamIdp } from './upstream-idp.js';

/** What an app had stored at some moment, and what its clients and browsers held. */
export interface RecordedStore {
  /** In seconds since the epoch. */
  readonly at: number;
  readonly origin: string;
  readonly clientId: string;
  /** The client that signs: its public keys, and an assertion that it used. */
  readonly signing: { clientId: string; jwks: object; proof: Record<string, string> };
  readonly tokens: Tokens;
  /** The refresh token that was spent last, and its answer. */
  readonly spent: { readonly refreshToken: string; readonly answer: Tokens };
  readonly revoked: Tokens;
  /** Of another client, all grants of which were revoked. */
  readonly marked: { readonly clientId: string; readonly tokens: Tokens };
  readonly code: { readonly code: string; readonly verifier: string };
  readonly redeemed: { readonly code: string; readonly verifier: string };
  /** A login that waits for consent, and one that is at the upstream. */
  readonly waiting: { readonly url: string; readonly cookie: string };
  readonly gone: { readonly state: string; readonly cookie: string };
  /** A browser that remembers a consent, and what it agreed to. */
  readonly remembering: { readonly url: string; readonly cookie: string };
  readonly entries: readonly StoreEntry[];
}

/** The options of the proxy under which a store is recorded and read again. */
export function recordedOptions(signing: Pick<RecordedStore['signing'], 'clientId' | 'jwks'>) {
  const { clientId, jwks } = signing;
  return {
    consent: 'remember' as const,
    clients: [{ clientId, redirectUris: [clientRedirect], jwks: jwks as { keys: [] } }],
  };
}

/** Uses an app of the present version in every way, and writes down what it stored. */
export async function recordStore(idp: UpstreamIdp): Promise<RecordedStore> {
  const clock = new ManualClock();
  const signer = await ClientSigner.create();
  signer.now = () => clock.now();
  const signing = { clientId: 'signing-client', jwks: signer.jwks };
  const flow = await startFlow({ idp, clock, proxy: recordedOptions(signing) });
  try {
    const client = await flow.register();
    const redeem = async () => {
      const held = await flow.codeFor(client);
      const tokens = tokensOf(await flow.redeem(held));
      return { tokens, code: held.code, verifier: held.request.verifier };
    };

    const first = await redeem();
    const answer = tokensOf(await flow.refresh(first.tokens.refresh_token, client));
    const { tokens: revoked } = await redeem();
    await flow.revoke(revoked.refresh_token, client);
    const other = await flow.register();
    const marked = await flow.tokensFor(other);
    const service = flow.app.app.get(MultiAuthService, { strict: false });
    await service.revokeAll({ clientId: other.id });
    const { code, verifier, tokens } = await redeem();
    const held = await flow.codeFor(client);

    const proof = signer.proof(signing.clientId, flow.issuer);
    const unknown = { grant_type: 'refresh_token', refresh_token: 'unknown' };
    await flow.send('/token', { form: { ...unknown, ...proof } });

    const cookieOf = (browser: Browser, path: string): string =>
      browser.cookies.header(new URL(flow.issuer + path), { method: 'GET', crossSite: false }) ??
      '';
    const waiting = new Browser();
    const page = await flow.consentPage(flow.authorizationRequest(client), waiting);
    const gone = new Browser();
    const sent = await flow.approve(flow.authorizationRequest(client), gone);
    const remembering = new Browser();
    const request = flow.authorizationRequest(client);
    const stopAt = atClient(client);
    await flow.login(client, { browser: remembering, request, stopAt });
    return {
      at: clock.now(),
      origin: flow.app.origin,
      clientId: client.id,
      signing: { ...signing, proof },
      tokens,
      spent: { refreshToken: first.tokens.refresh_token, answer },
      revoked,
      marked: { clientId: other.id, tokens: marked },
      code: { code: held.code, verifier: held.request.verifier },
      redeemed: { code, verifier },
      waiting: { url: page.url, cookie: cookieOf(waiting, '/consent') },
      gone: {
        state: new URL(sent.url).searchParams.get('state') ?? '',
        cookie: cookieOf(gone, '/auth/callback'),
      },
      remembering: { url: request.url, cookie: cookieOf(remembering, '/authorize') },
      entries: flow.app.store.live(),
    };
  } finally {
    await flow.close();
  }
}

/** Where a redirect leads. */
export function locationOf({ headers }: Answer): URL {
  return new URL(String(headers['location']));
}
