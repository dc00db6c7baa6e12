import { Browser, type Visit } from './browser.js';
import type { ManualClock } from './manual-clock.js';
import { answerOf } from './outcomes.js';
import {
  type Answer,
  atClient,
  clientRedirect,
  jsonOf,
  type ProxyFlow,
  type TestClient,
  type Tokens,
} from './proxy-flow.js';
import type { AuthorizationRequest } from './request-builders.js';

/** What came of a step: the app's answer, and whether the journey can go on from there. */
export interface Attempt {
  readonly answer: Answer;
  readonly worked: boolean;
}

export interface Step {
  readonly name: string;
  /** Whatever is done before the app is asked. */
  prepare?(): Promise<void> | void;
  /** May be made again, as a client or a user does whose first one came to nothing. */
  attempt(): Promise<Attempt>;
}

const expiry = 301;

/** Everything that one client and one user do, from the registration to the revocation. */
export class Journey {
  request: AuthorizationRequest;
  /** All the tokens that the client was told, the newest last. */
  readonly told: Tokens[] = [];
  #client: TestClient | undefined;
  #browser = new Browser();
  #page: Visit | undefined;
  /** Where the browser is: the consent page, then the provider, then the callback, then the client. */
  #url = '';

  constructor(
    private readonly flow: ProxyFlow,
    private readonly clock: ManualClock,
    private readonly user = 'alice',
  ) {
    this.request = flow.authorizationRequest({ id: 'nobody', redirectUri: clientRedirect });
  }

  readonly steps: readonly Step[] = [
    { name: 'register', attempt: () => this.#register() },
    {
      name: 'authorize',
      prepare: () => void (this.request = this.flow.authorizationRequest(this.client)),
      attempt: () => this.#browse(this.request.url, (url) => url.pathname === '/consent'),
    },
    { name: 'consent page', attempt: () => this.#showPage() },
    { name: 'consent', attempt: () => this.#agree() },
    {
      name: 'callback',
      prepare: () => this.#logIn(),
      attempt: () => this.#browse(this.#url, (url) => url.searchParams.has('code'), this.#url),
    },
    { name: 'redemption', attempt: () => this.#tokens(this.flow.redeem(this.#held())) },
    { name: 'request', prepare: () => this.clock.advance(1), attempt: () => this.call() },
    {
      name: 'refresh',
      prepare: () => this.clock.advance(expiry),
      attempt: () => this.#tokens(this.flow.refresh(this.tokens.refresh_token, this.client)),
    },
    { name: 'next request', prepare: () => this.clock.advance(1), attempt: () => this.call() },
    {
      name: 'later request',
      prepare: () => this.clock.advance(60),
      attempt: () => this.call(),
    },
    { name: 'revocation', attempt: () => this.#revoke() },
  ];

  get client(): TestClient {
    if (!this.#client) throw new Error('There is no client yet.');
    return this.#client;
  }

  get tokens(): Tokens {
    const tokens = this.told.at(-1);
    if (!tokens) throw new Error('There are no tokens yet.');
    return tokens;
  }

  /** Logs in anew and goes as far as the step, with nothing in the way. */
  async startAgain(last: Step): Promise<void> {
    this.#browser = new Browser();
    const [, ...steps] = this.steps.slice(0, this.steps.indexOf(last) + 1);
    for (const step of steps) {
      if (step.name === 'refresh') continue;
      await step.prepare?.();
      const { worked, answer } = await step.attempt();
      if (!worked) throw new Error(`${step.name}: ${answer.status} ${answer.text}`);
    }
  }

  async call(): Promise<Attempt> {
    const answer = await this.flow.callMcp(this.tokens.access_token);
    return { answer, worked: answer.status === 200 };
  }

  async #register(): Promise<Attempt> {
    const answer = await this.flow.tryRegister();
    const worked = answer.status === 201;
    if (worked) {
      const { client_id: id } = jsonOf(answer) as { client_id: string };
      this.#client = { id, redirectUri: clientRedirect };
    }
    return { answer, worked };
  }

  /** Follows redirects until the browser would be where it is meant to be, or back at the client. */
  async #browse(from: string, isThere: (url: URL) => boolean, notAgain = ''): Promise<Attempt> {
    const atEnd = atClient(this.client) as (url: URL) => boolean;
    const stopAt = (url: URL): boolean => url.href !== notAgain && (isThere(url) || atEnd(url));
    return this.#arrived(await this.#browser.open(from, { stopAt }), isThere);
  }

  #arrived(visit: Visit, isThere: (url: URL) => boolean): Attempt {
    const worked = visit.stopped && isThere(new URL(visit.url));
    if (worked) this.#url = visit.url;
    return { answer: answerOf(visit), worked };
  }

  async #showPage(): Promise<Attempt> {
    const visit = await this.#browser.open(this.#url);
    const worked = visit.status === 200 && visit.forms.length > 0;
    if (worked) this.#page = visit;
    return { answer: answerOf(visit), worked };
  }

  async #agree(): Promise<Attempt> {
    if (!this.#page) throw new Error('There is no page to agree on.');
    const atEnd = atClient(this.client) as (url: URL) => boolean;
    const stopAt = (url: URL): boolean => this.flow.atIdp(url) || atEnd(url);
    return this.#arrived(await this.#browser.approve(this.#page, stopAt), this.flow.atIdp);
  }

  async #logIn(): Promise<void> {
    const stopAt = `${this.flow.issuer}/auth/callback`;
    const { url } = await this.#browser.walk(this.#url, { user: this.user, stopAt });
    this.#url = url;
  }

  #held() {
    const { request, client } = this;
    const callback = new URL(this.#url);
    const code = callback.searchParams.get('code') ?? '';
    return { code, client, request, callback, browser: this.#browser };
  }

  async #tokens(answering: Promise<Answer>): Promise<Attempt> {
    const answer = await answering;
    const worked = answer.status === 200;
    if (worked) this.told.push(jsonOf(answer) as Tokens);
    return { answer, worked };
  }

  async #revoke(): Promise<Attempt> {
    const answer = await this.flow.revoke(this.tokens.refresh_token, this.client);
    return { answer, worked: answer.status === 200 };
  }
}

/** What a fault did to a journey, by what it struck: `redemption: take authorization-code`. */
export interface Endured {
  readonly struck: string[];
  /** Where only another login helped. */
  readonly restarts: string[];
}

export interface Ordeal {
  /** Orders the fault for the step that comes. */
  arm(step: Step): { readonly struck: string | undefined; end(): void };
  /** Looks at the first answer to a step that a fault struck. */
  judge(attempt: Attempt, what: string): void;
  /** Before the second attempt. */
  recover?(): unknown;
}

/** Makes the journey with a fault in each step; after each the same step is tried again. */
export async function endure(journey: Journey, ordeal: Ordeal): Promise<Endured> {
  const endured: Endured = { struck: [], restarts: [] };
  for (const step of journey.steps) {
    await step.prepare?.();
    const fault = ordeal.arm(step);
    const first = await step.attempt();
    fault.end();
    // What was held until now is done before time goes on.
    await new Promise(setImmediate);
    const what = `${step.name}: ${fault.struck}`;
    if (fault.struck !== undefined) {
      endured.struck.push(what);
      ordeal.judge(first, what);
      ordeal.recover?.();
    }
    if (first.worked) continue;
    const second = await step.attempt();
    if (second.worked) continue;
    endured.restarts.push(what);
    await journey.startAgain(step);
  }
  return endured;
}
