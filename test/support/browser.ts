import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { CookieJar } from './cookie-jar.js';
import { formActionAllows } from './form-action.js';
import { parseForms, parseLinks } from './html.js';
import type { Form } from './html.js';

/** One request of a visit and its answer. */
export interface Hop {
  readonly method: string;
  readonly url: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly status: number;
  readonly location: string | undefined;
  readonly setCookie: readonly string[];
  readonly headers: IncomingHttpHeaders;
}

/** Where a navigation ended. */
export interface Visit {
  readonly url: string;
  /** The status of the last answer; 0 when the navigation stopped before a URL. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly html: string;
  /** All hops of this navigation. */
  readonly history: readonly Hop[];
  readonly forms: readonly Form[];
  readonly links: readonly string[];
  /** True when the navigation reached `stopAt`, or a URL that is not http(s); it is not fetched. */
  readonly stopped: boolean;
}

/** A URL (its query does not count) or a test of it: the navigation ends before fetching it. */
export type StopAt = string | ((url: URL) => boolean);

export interface OpenOptions {
  readonly stopAt?: StopAt;
  /** Whether a page of an unrelated site sends the user here. @default false */
  readonly crossSite?: boolean;
  /** The page whose link is followed; by default the URL is typed, or opened by another app. */
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface BrowserOptions {
  /**
   * Where public origins are really served, such as
   * `{ 'https://mcp.example.com': 'http://127.0.0.1:3000' }`: the browser is then in front of a
   * TLS-terminating proxy.
   */
  readonly origins?: Readonly<Record<string, string>>;
  /** The time for cookies, in milliseconds. */
  readonly now?: () => number;
}

export type Decision = 'approve' | 'deny';

export interface WalkOptions {
  readonly user: string;
  /** The answer to the app's own consent page. @default 'approve' */
  readonly decision?: Decision;
  /** The answer to the provider's pages; `cancel` follows their cancel link. @default 'approve' */
  readonly upstreamDecision?: 'approve' | 'cancel';
  readonly stopAt?: StopAt;
}

export type SubmitTarget = number | { readonly button: string };

interface Navigation {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: string;
  /** The page that began it; absent for a typed URL. */
  readonly initiator?: { readonly url: string; readonly referrerPolicy: string };
  /** The policies that restrict where a form may lead. */
  readonly policies?: readonly string[];
  readonly stopAt?: StopAt | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const redirects = [301, 302, 303, 307, 308];

/** A scripted web browser: cookies, redirects, forms, and the headers a real one sends. */
export class Browser {
  readonly cookies: CookieJar;
  /** Every hop of every navigation. */
  readonly history: Hop[] = [];
  readonly #origins: Readonly<Record<string, string>>;

  constructor(options: BrowserOptions = {}) {
    this.cookies = new CookieJar(options.now);
    this.#origins = options.origins ?? {};
  }

  /** Opens the URL and follows redirects to a page, an error, or `stopAt`. */
  open(url: string | URL, options: OpenOptions = {}): Promise<Visit> {
    const from = options.from ?? (options.crossSite ? 'https://elsewhere.example/' : undefined);
    return this.#navigate({
      method: 'GET',
      url: String(url),
      ...(from && { initiator: { url: from, referrerPolicy: '' } }),
      stopAt: options.stopAt,
      headers: options.headers,
    });
  }

  /**
   * Submits a form of the page: by its index, or by a button such as `action=approve`. The values
   * replace or join those of the form.
   */
  submit(
    visit: Visit,
    target: SubmitTarget,
    values: Readonly<Record<string, string>> = {},
    options: { readonly stopAt?: StopAt | undefined } = {},
  ): Promise<Visit> {
    const { form, button } = findForm(visit, target);
    const data = new URLSearchParams();
    for (const { name, value } of form.fields) if (name !== '') data.append(name, value);
    for (const [name, value] of Object.entries(values)) data.set(name, value);
    if (button) data.append(button.name, button.value);
    const action = new URL(form.action);
    if (form.method === 'GET') action.search = data.toString();
    const csp = visit.headers['content-security-policy'];
    return this.#navigate({
      method: form.method,
      url: action.href,
      ...(form.method === 'POST' && { body: data.toString() }),
      initiator: { url: visit.url, referrerPolicy: referrerPolicyOf(visit) },
      policies: csp === undefined ? [] : String(csp).split(','),
      ...options,
    });
  }

  /** Posts a form that another site made up, as a cross-site forgery does. */
  forge(url: string, values: Readonly<Record<string, string>>, stopAt?: StopAt): Promise<Visit> {
    return this.#navigate({
      method: 'POST',
      url,
      body: new URLSearchParams(values).toString(),
      initiator: { url: 'https://elsewhere.example/', referrerPolicy: '' },
      stopAt,
    });
  }

  /** Fills in the provider's login page. */
  login(visit: Visit, user: string, stopAt?: StopAt): Promise<Visit> {
    const index = visit.forms.findIndex((form) => hasField(form, 'login'));
    return this.submit(visit, index, { login: user, password: 'any' }, { stopAt });
  }

  /** Presses "approve" on the app's consent page. */
  approve(visit: Visit, stopAt?: StopAt): Promise<Visit> {
    return this.submit(visit, { button: 'action=approve' }, {}, { stopAt });
  }

  /** Presses "deny" on the app's consent page. */
  deny(visit: Visit, stopAt?: StopAt): Promise<Visit> {
    return this.submit(visit, { button: 'action=deny' }, {}, { stopAt });
  }

  /** Opens the URL and does what each page asks for, until there is no page it knows. */
  async walk(url: string | URL, options: WalkOptions): Promise<Visit> {
    const stop = options.stopAt === undefined ? {} : { stopAt: options.stopAt };
    let visit = await this.open(url, stop);
    for (let pages = 0; pages < 12 && !visit.stopped; pages++) {
      const next = this.#step(visit, options);
      if (!next) return visit;
      visit = await next;
    }
    if (!visit.stopped) throw new Error(`The login does not end; it is at ${visit.url}`);
    return visit;
  }

  /** The next navigation on a page it knows, or undefined. */
  #step(visit: Visit, { user, decision, upstreamDecision, stopAt }: WalkOptions) {
    const isConsent = visit.forms.some((form) => hasButton(form, 'action=approve'));
    if (isConsent) {
      return decision === 'deny' ? this.deny(visit, stopAt) : this.approve(visit, stopAt);
    }
    const cancel = visit.links.find((link) => link.endsWith('/abort'));
    if (cancel && upstreamDecision === 'cancel') {
      return this.open(cancel, { from: visit.url, ...(stopAt && { stopAt }) });
    }
    if (visit.forms.some((form) => hasField(form, 'login'))) return this.login(visit, user, stopAt);
    const grant = visit.forms.findIndex((form) => hasField(form, 'prompt', 'consent'));
    return grant < 0 ? undefined : this.submit(visit, grant, {}, { stopAt });
  }

  async #navigate(navigation: Navigation): Promise<Visit> {
    const hops: Hop[] = [];
    const chain: URL[] = [];
    let { method, url, body } = navigation;
    for (let count = 0; count < 20; count++) {
      const target = new URL(url);
      chain.push(target);
      if (!formActionAllows(navigation.policies ?? [], navigation.initiator?.url ?? url, url)) {
        throw new Error(`The page's form-action does not allow ${url}`);
      }
      if (isStop(target, navigation.stopAt)) return visitOf(url, hops);
      const answer = await this.#send(method, chain, body, navigation);
      hops.push(answer.hop);
      const { status, location } = answer.hop;
      if (!redirects.includes(status) || location === undefined) return visitOf(url, hops, answer);
      const next = new URL(location, url);
      if (!next.hash) next.hash = target.hash;
      url = next.href;
      if (status === 303 || (status < 303 && method === 'POST'))
        [method, body] = ['GET', undefined];
    }
    throw new Error(`Too many redirects, the last to ${url}`);
  }

  async #send(
    method: 'GET' | 'POST',
    chain: readonly URL[],
    body: string | undefined,
    { initiator, headers: extra }: Navigation,
  ): Promise<{ hop: Hop; headers: IncomingHttpHeaders; html: string }> {
    const url = chain.at(-1) as URL;
    const crossSite = initiator !== undefined && siteOf(url) !== siteOf(new URL(initiator.url));
    const cookie = this.cookies.header(url, { method, crossSite });
    const referer = initiator && refererOf(initiator, url);
    const headers: Record<string, string> = {
      host: url.host,
      accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
      'accept-language': 'en',
      'user-agent': 'Mozilla/5.0 (scripted)',
      'upgrade-insecure-requests': '1',
      'sec-fetch-site': fetchSite(chain, initiator?.url),
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-user': '?1',
      ...(cookie !== undefined && { cookie }),
      ...(referer && { referer }),
      ...(initiator && method === 'POST' && { origin: originHeader(chain, initiator) }),
      ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...extra,
    };
    const response = await this.#fetch(url, method, headers, body);
    const setCookie = response.message.headers['set-cookie'] ?? [];
    for (const line of setCookie) this.cookies.store(url, line);
    const hop: Hop = {
      method,
      url: url.href,
      requestHeaders: headers,
      status: response.message.statusCode ?? 0,
      location: response.message.headers.location,
      setCookie,
      headers: response.message.headers,
    };
    this.history.push(hop);
    return { hop, headers: response.message.headers, html: response.text };
  }

  async #fetch(
    url: URL,
    method: string,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
  ): Promise<{ message: IncomingMessage; text: string }> {
    const served = new URL(url.pathname + url.search, this.#origins[url.origin] ?? url.origin);
    const proxied = served.origin === url.origin ? {} : { 'x-forwarded-proto': 'https' };
    if (served.protocol !== 'http:') throw new Error(`No server is known for ${url.origin}`);
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest(
        served,
        { method, headers: { ...headers, ...proxied }, agent: false },
        resolve,
      );
      request.once('error', reject);
      request.end(body);
    });
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    return { message, text: Buffer.concat(chunks).toString() };
  }
}

function visitOf(
  url: string,
  history: readonly Hop[],
  answer?: { readonly hop: Hop; readonly headers: IncomingHttpHeaders; readonly html: string },
): Visit {
  const html = answer?.html ?? '';
  const isPage = answer?.headers['content-type']?.startsWith('text/html') ?? false;
  return {
    url,
    status: answer?.hop.status ?? 0,
    headers: answer?.headers ?? {},
    html,
    history,
    forms: isPage ? parseForms(html, url) : [],
    links: isPage ? parseLinks(html, url) : [],
    stopped: answer === undefined,
  };
}

function isStop(url: URL, stopAt: StopAt | undefined): boolean {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return true;
  if (stopAt === undefined) return false;
  if (typeof stopAt === 'function') return stopAt(url);
  const wanted = new URL(stopAt);
  return url.origin === wanted.origin && url.pathname === wanted.pathname;
}

function findForm(visit: Visit, target: SubmitTarget) {
  if (typeof target === 'number') {
    const form = visit.forms[target];
    if (!form) throw new Error(`There is no form ${target} on ${visit.url}: ${excerpt(visit)}`);
    return { form, button: undefined };
  }
  const form = visit.forms.find((candidate) => hasButton(candidate, target.button));
  if (!form) throw new Error(`No button ${target.button} on ${visit.url}: ${excerpt(visit)}`);
  return { form, button: form.buttons.find((b) => `${b.name}=${b.value}` === target.button) };
}

function excerpt(visit: Visit): string {
  return `${visit.status} ${visit.html.slice(0, 300)}`;
}

function hasField(form: Form, name: string, value?: string): boolean {
  return form.fields.some((f) => f.name === name && (value === undefined || f.value === value));
}

function hasButton(form: Form, button: string): boolean {
  return form.buttons.some(({ name, value }) => `${name}=${value}` === button);
}

function referrerPolicyOf(visit: Visit): string {
  return String(visit.headers['referrer-policy'] ?? '').trim();
}

/** Scheme and registrable domain; good enough for hosts, addresses and two-label domains. */
function siteOf(url: URL): string {
  const { protocol, hostname } = url;
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  return `${protocol}//${isAddress ? hostname : hostname.split('.').slice(-2).join('.')}`;
}

/** Fetch Metadata §2.3: the worst relation of the initiator to any URL of the chain. */
function fetchSite(chain: readonly URL[], initiator: string | undefined): string {
  if (initiator === undefined) return 'none';
  const from = new URL(initiator);
  if (chain.every((url) => url.origin === from.origin)) return 'same-origin';
  return chain.every((url) => siteOf(url) === siteOf(from)) ? 'same-site' : 'cross-site';
}

/** Fetch §3.2 "append a request Origin header": also a page's referrer policy can blank it. */
function originHeader(
  chain: readonly URL[],
  initiator: { readonly url: string; readonly referrerPolicy: string },
): string {
  const { origin } = new URL(initiator.url);
  const target = chain.at(-1) as URL;
  const crossOrigin = target.origin !== origin;
  // A redirect from one foreign origin to another taints the request.
  const tainted = chain
    .slice(1)
    .some((url, i) => url.origin !== chain[i]?.origin && chain[i]?.origin !== origin);
  if (tainted || initiator.referrerPolicy === 'no-referrer') return 'null';
  return crossOrigin && initiator.referrerPolicy === 'same-origin' ? 'null' : origin;
}

function refererOf(
  initiator: { readonly url: string; readonly referrerPolicy: string },
  target: URL,
): string | undefined {
  const from = new URL(initiator.url);
  const crossOrigin = from.origin !== target.origin;
  if (initiator.referrerPolicy === 'no-referrer') return undefined;
  if (initiator.referrerPolicy === 'same-origin' && crossOrigin) return undefined;
  if (from.protocol === 'https:' && target.protocol === 'http:') return undefined;
  return crossOrigin ? `${from.origin}/` : from.href.split('#')[0];
}
