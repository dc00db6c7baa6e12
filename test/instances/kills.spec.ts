// A process that is killed under load: what it acknowledged is there when it is back.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess } from '../support/app-process.js';
import {
  jsonOf,
  ProxyFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const kills = 8;
/** How much is acknowledged before each kill. */
const perRound = { logins: 2, refreshes: 20, ends: 2 };

let idp: UpstreamIdp;
let folder: string;
let app: AppProcess;
let flow: ProxyFlow<UpstreamIdp, AppProcess>;

beforeAll(async () => {
  idp = await UpstreamIdp.start({ accessTokenTtlSeconds: 3600 });
  folder = await mkdtemp(join(tmpdir(), 'kills-'));
  const store = { kind: 'lmdb', path: folder } as const;
  // Whoever had no answer asks again in time, however slow the machine is that starts the app.
  app = await AppProcess.start({ idp, store, proxy: { lifetimes: { refreshGrace: 60 } } });
  flow = new ProxyFlow(app, idp);
});

afterAll(async () => {
  await app.close();
  await idp.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A client with a login, and the tokens that it was given. */
interface Session {
  readonly client: TestClient;
  tokens: Tokens;
  readonly accessTokens: string[];
}

/** What an app said it did since it was started. */
class Acknowledged {
  readonly registered: TestClient[] = [];
  readonly ended: Session[] = [];
  logins = 0;
  refreshes = 0;

  covers({ logins, refreshes, ends }: typeof perRound): boolean {
    return this.logins >= logins && this.refreshes >= refreshes && this.ended.length >= ends;
  }
}

/** Somebody with a client: registers, logs in, uses and refreshes the tokens, and logs out. */
class User {
  /** As it was last acknowledged; none while nothing is certain. */
  session: Session | undefined;

  /** `patience` is how many refreshes there are in a session. */
  constructor(private readonly patience: number) {}

  /** Does so again and again until the app is gone. */
  async work(done: Acknowledged, isGone: () => boolean): Promise<void> {
    while (!isGone()) {
      try {
        await this.#liveOn(done);
      } catch (error) {
        // A request without an answer may have had its effect or not.
        if (!isGone()) throw error;
      }
    }
  }

  async refresh(): Promise<void> {
    if (!this.session) throw new Error('There is nothing to refresh.');
    const { client, tokens } = this.session;
    this.session.tokens = tokensOf(await flow.refresh(tokens.refresh_token, client));
    this.session.accessTokens.push(this.session.tokens.access_token);
  }

  async #liveOn(done: Acknowledged): Promise<void> {
    this.session ??= await this.#login(done);
    for (let i = 0; i < this.patience; i++) {
      await this.refresh();
      done.refreshes++;
      expect(await flow.isAccepted(this.session.tokens.access_token)).toBe(true);
    }
    const { session } = this;
    this.session = undefined;
    const answer = await flow.revoke(session.tokens.refresh_token, session.client);
    expect(answer.status).toBe(200);
    done.ended.push(session);
  }

  async #login(done: Acknowledged): Promise<Session> {
    const client = await flow.register();
    done.registered.push(client);
    const tokens = await flow.tokensFor(client);
    done.logins++;
    return { client, tokens, accessTokens: [tokens.access_token] };
  }
}

describe('an app with its records in a folder, killed under load', () => {
  // So that whenever it is killed some have just begun and some are in the middle.
  const users = [2, 3, 8, 13, 40, 50].map((refreshes) => new User(refreshes));

  /** The users' load, until the app is killed in the midst of it. */
  async function loadAndKill(): Promise<Acknowledged> {
    const done = new Acknowledged();
    let isGone = false;
    const work = Promise.all(users.map((user) => user.work(done, () => isGone)));
    const enough = (async () => {
      while (!done.covers(perRound)) await new Promise((resolve) => setTimeout(resolve, 1));
    })();
    // What a user finds wrong ends the wait.
    await Promise.race([enough, work]);
    isGone = true;
    await app.kill();
    await work;
    return done;
  }

  async function isKnown({ id }: TestClient): Promise<boolean> {
    const answer = await flow.send('/token', { form: { client_id: id } });
    // A client that is known is told that its request lacks something.
    const { error } = jsonOf(answer) as { error: string };
    return error === 'invalid_request';
  }

  async function expectKept(done: Acknowledged): Promise<void> {
    for (const client of done.registered) expect(await isKnown(client)).toBe(true);
    for (const { client, tokens, accessTokens } of done.ended) {
      for (const token of accessTokens) expect(await flow.isAccepted(token)).toBe(false);
      expect((await flow.refresh(tokens.refresh_token, client)).status).toBe(400);
    }
    const going = users.filter(({ session }) => session !== undefined);
    expect(going.length).toBeGreaterThan(0);
    for (const user of going) {
      for (const token of user.session?.accessTokens.splice(0) ?? []) {
        expect(await flow.isAccepted(token)).toBe(true);
      }
      await user.refresh();
      expect(await flow.isAccepted(user.session?.tokens.access_token ?? '')).toBe(true);
    }
  }

  it('knows whom it does not know', async () => {
    expect(await isKnown(await flow.register())).toBe(true);
    expect(await isKnown({ id: 'nobody', redirectUri: '' })).toBe(false);
  });

  it.each(Array.from({ length: kills }, (_, i) => i + 1))(
    'has lost nothing that it acknowledged, kill %i',
    async () => {
      const done = await loadAndKill();
      await app.restart();
      await expectKept(done);
    },
    60_000,
  );
});
