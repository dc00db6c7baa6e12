import type { OAuthProxyOptions, Upstream } from '../../../lib/index.js';
import { Browser, type Visit } from '../browser.js';
import type { LogSink } from '../log-sink.js';
import { ManualClock } from '../manual-clock.js';
import type { ProtectedAppOptions } from '../protected-app.js';
import {
  atClient,
  type ProxyFlow,
  startFlow,
  type TestClient,
  type Tokens,
  tokensOf,
} from '../proxy-flow.js';
import type { AuthorizationRequest } from '../request-builders.js';
import type { AuthorizeOptions, FakeVendor } from './fake-vendor.js';
import type { VendorRequest } from './vendor-host.js';

export interface VendorFlowOptions extends AuthorizeOptions {
  readonly browser?: Browser;
  /** What the MCP client asks for. @default notes:read */
  readonly scope?: string;
}

/** How far a login at a vendor came. */
export interface VendorVisit {
  /** The URL at the vendor that the browser was sent to. */
  readonly vendorUrl: string;
  readonly request: AuthorizationRequest;
  readonly visit: Visit;
  readonly browser: Browser;
  /** The URL that the client was called back with, if it was. */
  readonly callback: URL;
}

/** An app behind the proxy in front of a vendor, a client of it, and what the two do together. */
export class VendorFlow<V extends FakeVendor> {
  static async start<V extends FakeVendor>(
    vendor: V,
    upstream: Upstream,
    options: Omit<ProtectedAppOptions<V>, 'idp' | 'clock' | 'upstream'> & {
      readonly clock: ManualClock;
      readonly proxy?: Partial<OAuthProxyOptions>;
    },
  ): Promise<VendorFlow<V>> {
    const flow = await startFlow({
      idp: vendor,
      ...options,
      proxy: { upstream, ...options.proxy },
    });
    return new VendorFlow(vendor, flow, options.clock, await flow.register());
  }

  private constructor(
    readonly vendor: V,
    readonly proxy: ProxyFlow<V>,
    readonly clock: ManualClock,
    readonly client: TestClient,
  ) {}

  get log(): LogSink {
    return this.proxy.log;
  }

  close(): Promise<void> {
    return this.proxy.close();
  }

  /** Everything up to the client's redirect URI, through consent page and vendor. */
  async login(options: VendorFlowOptions = {}): Promise<VendorVisit> {
    const { browser = new Browser(), scope } = options;
    const whole = this.proxy.authorizationRequest(this.client);
    const request = scope === undefined ? whole : whole.with({ scope });
    const atVendor = (url: URL): boolean => url.protocol === 'https:';
    const { url: vendorUrl, stopped } = await browser.walk(request.url, {
      user: 'nobody',
      stopAt: atVendor,
    });
    if (!stopped) throw new Error(`The vendor was not reached: ${vendorUrl}`);
    const back = this.vendor.authorize(vendorUrl, options);
    const visit = await browser.open(back, { from: vendorUrl, stopAt: atClient(this.client) });
    return { vendorUrl, request, visit, browser, callback: new URL(visit.url) };
  }

  /** The error that a login ends with at the client, or `code`. */
  async outcome(options: VendorFlowOptions = {}): Promise<string> {
    const { callback, visit } = await this.login(options);
    if (!visit.stopped) return `page ${visit.status}`;
    return callback.searchParams.get('error') ?? (callback.searchParams.has('code') ? 'code' : '?');
  }

  async tokens(options: VendorFlowOptions = {}): Promise<Tokens> {
    const { callback, request, browser, visit } = await this.login(options);
    const code = callback.searchParams.get('code');
    if (code === null) throw new Error(`No code: ${visit.status} ${visit.url} ${visit.html}`);
    const held = { code, client: this.client, request, callback, browser };
    return tokensOf(await this.proxy.redeem(held));
  }
}

/** A request without what is different each time: those parts are their own names in braces. */
export interface WireShape {
  readonly request: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The headers of a form that the OAuth library posts. */
export const formHeaders = {
  accept: 'application/json',
  'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
  'user-agent': 'oauth4webapi',
} as const;

const different =
  'redirect_uri|state|code_challenge|nonce|code|code_verifier|access_token|refresh_token|token';

/** A URL or a form without what is different each time. */
export function shapeOf(text: string): string {
  return text
    .replace(new RegExp(`(^|[?&])(${different})=[^&]+`, 'g'), '$1$2={$2}')
    .replace(new RegExp(`"(${different})":"[^"]+"`, 'g'), '"$1":"{$1}"');
}

export function wireOf({ method, url, headers, body }: VendorRequest): WireShape {
  const { authorization, 'user-agent': userAgent } = headers;
  return {
    request: `${method} ${url}`,
    headers: {
      ...headers,
      ...(authorization?.startsWith('Bearer ') && { authorization: 'Bearer {access_token}' }),
      // Whatever version of the library is installed.
      ...(userAgent !== undefined && { 'user-agent': userAgent.replace(/\/v[\d.]+$/, '') }),
    },
    ...(body !== '' && { body: shapeOf(body) }),
  };
}
