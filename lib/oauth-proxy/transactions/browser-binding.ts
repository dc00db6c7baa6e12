import { constantTimeEqual } from '../../crypto/constant-time.js';
import { hashSecret } from '../../crypto/hash.js';
import { randomToken } from '../../crypto/random.js';
import { readCookie } from '../../http/cookies.js';
import type { EndpointRequest, ResponseCookie } from '../../http/endpoint.js';

/** How long the cookies live, in seconds. */
export interface BrowserBindingLifetimes {
  readonly transaction: number;
  readonly rememberedConsent: number;
}

type Stage = 'begun' | 'approved' | 'remembered';

/**
 * Ties a login to one browser with two cookies: `begun`, set at `/authorize`, without which the
 * consent page cannot be answered; and `approved`, set when the login goes to the upstream, without
 * which the upstream's answer is not taken. A third, `remembered`, outlives the login and is where
 * the browser's consents are kept; other sites' requests do not carry it.
 *
 * A browser keeps its values, so that several tabs can log in side by side; only their hashes are
 * stored.
 */
export class BrowserBinding {
  readonly #secure: boolean;
  readonly #suffix: string;

  constructor(
    issuer: string,
    private readonly lifetimes: BrowserBindingLifetimes,
  ) {
    this.#secure = issuer.startsWith('https:');
    // Two servers on one host must not read each other's cookies.
    this.#suffix = hashSecret(issuer).slice(0, 8);
  }

  /** The cookie of this browser for the stage: the one it has, or a new one. */
  cookie(request: EndpointRequest, stage: Stage): ResponseCookie {
    return this.cookieWith(stage, this.#read(request, stage) ?? randomToken());
  }

  cookieWith(stage: Stage, value: string): ResponseCookie {
    const lasts = stage === 'remembered';
    return {
      name: this.#name(stage),
      value,
      maxAgeSeconds: lasts ? this.lifetimes.rememberedConsent : this.lifetimes.transaction,
      secure: this.#secure,
      ...(lasts && { sameSite: 'Strict' }),
    };
  }

  /** What to remember of a cookie. */
  fingerprint(cookie: ResponseCookie): string {
    return hashSecret(cookie.value);
  }

  /** The fingerprint of the cookie that the request brings, if it brings one. */
  broughtBy(request: EndpointRequest, stage: Stage): string | undefined {
    const value = this.#read(request, stage);
    return value === undefined ? undefined : hashSecret(value);
  }

  /** Tells whether the request comes from the browser with that fingerprint. */
  matches(request: EndpointRequest, stage: Stage, fingerprint: string): boolean {
    const brought = this.broughtBy(request, stage);
    return brought !== undefined && constantTimeEqual(brought, fingerprint);
  }

  #read(request: EndpointRequest, stage: Stage): string | undefined {
    const value = readCookie(request, this.#name(stage));
    return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
  }

  #name(stage: Stage): string {
    // The __Host- prefix keeps a sibling domain from planting the cookie (RFC 6265bis §4.1.3.2).
    return `${this.#secure ? '__Host-' : ''}mcp-auth-${stage}-${this.#suffix}`;
  }
}
