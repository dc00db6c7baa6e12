// Security matrix ST-01, U5: neither the store nor the log shows a secret of a login.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MultiAuthEvents } from '../../lib/common/events.js';
import { LmdbStore } from '../../lib/storage/lmdb.store.js';
import { platforms } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { ManualClock } from '../support/manual-clock.js';
import { appSecret } from '../support/protected-app.js';
import {
  atClient,
  type HeldCode,
  type ProxyFlow,
  startFlow,
  tokensOf,
} from '../support/proxy-flow.js';
import { newVerifier } from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;
let folder: string;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  folder = await mkdtemp(join(tmpdir(), 'stored-secrets-'));
});

afterAll(async () => {
  await idp.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(platforms)('the secrets of a login on %s', (platform) => {
  let flow: ProxyFlow;
  const path = (): string => join(folder, platform);
  const secrets = new Map<string, string>();
  const observed: string[] = [];

  beforeAll(async () => {
    const clock = new ManualClock();
    flow = await startFlow({ idp, platform, clock, store: new LmdbStore({ path: path(), clock }) });
    const events = flow.app.app.get(MultiAuthEvents, { strict: false });
    for (const name of ['token.accepted', 'token.rejected'] as const) {
      events.on(name, (event) => observed.push(`${name} ${JSON.stringify(event)}`));
    }
    await wholeLife(flow, clock, (name, value) => {
      if (!value) throw new Error(`The test found no ${name}`);
      secrets.set(name, value);
    });
  });

  afterAll(() => flow.close());

  it('are many', () => {
    expect([...secrets.keys()].sort()).toEqual([
      'a cookie 0',
      'a cookie 1',
      'a cookie 2',
      'access token',
      'authorization code',
      'client secret',
      'client state',
      'code verifier',
      'csrf token',
      'email',
      'failed verifier',
      'name',
      'refresh token',
      'refreshed access token',
      'refreshed refresh token',
      'secret of the app',
      'transaction',
      'upstream access token 0',
      'upstream access token 1',
      'upstream client secret',
      'upstream code',
      'upstream code verifier',
      'upstream id_token 0',
      'upstream id_token 1',
      'upstream nonce',
      'upstream refresh token 0',
      'upstream refresh token 1',
      'upstream state',
    ]);
  });

  it('are nowhere in what was ever stored — ST-01', async () => {
    expect(flow.app.store.dump().length).toBeGreaterThan(15);
    const shown = [...secrets].filter(([, value]) => flow.app.store.contains(value));
    expect(shown.map(([name]) => name)).toEqual([]);
  });

  it('are nowhere in the files of the store — ST-01', async () => {
    const [file = ''] = (await readdir(path())).filter((name) => name.endsWith('.mdb'));
    const bytes = await readFile(join(path(), file));
    // The search does find what is there.
    expect(bytes.includes(flow.app.store.live()[0]?.key ?? 'no key')).toBe(true);
    const shown = [...secrets].filter(([, value]) => bytes.includes(value));
    expect(shown.map(([name]) => name)).toEqual([]);
  });

  it('are nowhere in the events that no log line repeats — U5', () => {
    const text = observed.join('\n');
    expect(text).toContain('token.accepted');
    expect(text).toContain('token.rejected');
    const shown = [...secrets].filter(([, value]) => text.includes(value));
    expect(shown.map(([name]) => name)).toEqual([]);
  });

  it('are nowhere in the log, at any level — U5', () => {
    const text = flow.log.lines.map((line) => line.text).join('\n');
    for (const event of [
      'client.registered',
      'consent.given',
      'authorization_code.redeemed',
      'authorization_code.replayed',
      'refresh_token.rotated',
      'grant.revoked',
      'browser.mismatch',
      'upstream.failed',
    ]) {
      expect(text).toContain(event);
    }
    const shown = [...secrets].filter(([, value]) => flow.log.contains(value));
    expect(shown.map(([name]) => name)).toEqual([]);
  });
});

type Note = (name: string, value: string | null | undefined) => void;

/** Login, failures, refresh, replay and revocation; every secret of it is noted. */
async function wholeLife(flow: ProxyFlow, clock: ManualClock, note: Note): Promise<void> {
  const client = await flow.register({ token_endpoint_auth_method: 'client_secret_post' });
  note('client secret', client.secret);
  note('secret of the app', appSecret);
  note('upstream client secret', idp.client.secret);
  note('email', 'alice@example.com');
  note('name', 'Alice Archer');
  noteUpstreamTokens(note, 0);
  const browser = new Browser();
  const request = flow.authorizationRequest(client);
  const page = await flow.consentPage(request, browser);
  note('csrf token', page.forms[0]?.fields.find((f) => f.name === 'csrf')?.value);
  note('transaction', new URL(page.url).searchParams.get('txn'));
  note('client state', request.state);
  note('code verifier', request.verifier);
  const callback = await flow.upstreamAnswer(request, { browser });
  await new Browser().open(callback.url);
  const back = await browser.open(callback.url, { stopAt: atClient(client) });
  const code = new URL(back.url).searchParams.get('code') ?? '';
  noteUpstreamRequests(note, callback.url);
  const cookies = browser.history.filter((h) => h.url.startsWith(flow.issuer));
  cookies
    .flatMap((h) => h.setCookie)
    .forEach((line, i) => {
      note(`a cookie ${i}`, /=([^;]+)/.exec(line)?.[1]);
    });
  const held: HeldCode = { code, client, request, callback: new URL(back.url), browser };
  note('authorization code', code);
  note('failed verifier', newVerifier());
  await flow.redeem(held, { code_verifier: newVerifier() });
  const first = tokensOf(await flow.redeem(held));
  note('access token', first.access_token);
  note('refresh token', first.refresh_token);
  await flow.callMcp(first.access_token);
  await refreshAndRevoke(flow, clock, { held, refreshToken: first.refresh_token, note });
}

async function refreshAndRevoke(
  flow: ProxyFlow,
  clock: ManualClock,
  { held, refreshToken, note }: { held: HeldCode; refreshToken: string; note: Note },
): Promise<void> {
  const { client } = held;
  clock.advance(301);
  idp.failNext('token', '503');
  await flow.refresh(refreshToken, client);
  noteUpstreamTokens(note, 1);
  const second = tokensOf(await flow.refresh(refreshToken, client));
  note('refreshed access token', second.access_token);
  note('refreshed refresh token', second.refresh_token);
  await flow.callMcp(second.access_token);
  await flow.revoke(second.access_token, client);
  await flow.callMcp(second.access_token);
  await flow.revoke(second.refresh_token, client);
  await flow.redeem(held);
}

function noteUpstreamTokens(note: Note, index: number): void {
  idp.tamperNext('token', (body) => {
    for (const name of ['access_token', 'refresh_token', 'id_token']) {
      note(
        `upstream ${name.replace('s_t', 's t').replace('h_t', 'h t')} ${index}`,
        String(body[name]),
      );
    }
    return body;
  });
}

function noteUpstreamRequests(note: Note, callback: string): void {
  const asked = idp.requestsTo('authorization').at(-1)?.query ?? {};
  const first = idp.requests.filter((r) => r.query['nonce'] !== undefined).at(-1)?.query ?? asked;
  note('upstream state', new URL(callback).searchParams.get('state'));
  note('upstream code', new URL(callback).searchParams.get('code'));
  note('upstream nonce', first['nonce']);
  note('upstream code verifier', idp.requestsTo('token').at(-1)?.form?.['code_verifier']);
}
