import { constantTimeEqual } from '../../crypto/constant-time.js';
import { hashSecret } from '../../crypto/hash.js';
import { randomToken } from '../../crypto/random.js';
import { readCookie } from '../../http/cookies.js';
import type { EndpointRequest, ResponseCookie } from '../../http/endpoint.js';

type Stage = 'begun' | 'approved';

/**
 * Ties a login to one browser with two cookies: `begun`, set at `/authorize`, without which the
 * consent page cannot be answered; and `approved`, set only when the user agrees, without which the
 * upstream's answer is not taken. A browser keeps its values, so that several tabs can log in side
 * by side; only their hashes are stored.
 */
export class BrowserBinding {
  readonly #secure: boolean;
  readonly #suffix: string;

  constructor(
    issuer: string,
    private readonly lifetimeSeconds: number,
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
    return {
      name: this.#name(stage),
      value,
      maxAgeSeconds: this.lifetimeSeconds,
      secure: this.#secure,
    };
  }

  /** What to remember of a cookie. */
  fingerprint(cookie: ResponseCookie): string {
    return hashSecret(cookie.value);
  }

  /** Tells whether the request comes from the browser with that fingerprint. */
  matches(request: EndpointRequest, stage: Stage, fingerprint: string): boolean {
    const value = this.#read(request, stage);
    return value !== undefined && constantTimeEqual(hashSecret(value), fingerprint);
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
