import type { ConfigurationIssue } from '../common/errors.js';
import { isText } from '../common/option-issues.js';
import type { OidcEndpoints } from '../oauth-proxy/upstream/oidc-endpoints.js';
import { OidcUpstream } from '../oauth-proxy/upstream/oidc.upstream.js';
import type { UpstreamHost } from '../oauth-proxy/upstream/upstream.js';
import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { allowedBy, handedOn, presetIssues } from './preset-options.js';
import { memberOf } from './vendor-answer.js';

/** What a host is called: the domain that a vendor gave to its customer. */
export const hostName = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;

/** What an option of a preset must look like, and what is said of one that does not. */
export interface VendorOption {
  readonly pattern: RegExp;
  readonly problem: string;
  /** Whether it may be left out. @default false */
  readonly optional?: boolean;
}

/** An OpenID provider as its preset knows it. */
export interface OidcVendor {
  /** The options that this preset has beside those of every upstream. */
  readonly own: Readonly<Record<string, VendorOption>>;
  readonly issuer: string;
  readonly endpoints?: OidcEndpoints;
  /** What the options of every upstream are when they are not given. */
  readonly defaults: Partial<UpstreamOptions>;
  /** The claims of those who may log in, before the operator is asked. */
  readonly pin?: ((claims: Readonly<Record<string, unknown>>) => boolean) | undefined;
}

/** An OpenID provider by name; its preset says no more than what it is. */
export abstract class OidcVendorUpstream extends OidcUpstream {
  readonly #options: UpstreamOptions;
  readonly #own: OidcVendor['own'];

  protected constructor(options: UpstreamOptions, vendor: OidcVendor) {
    const { own, issuer, endpoints, defaults, pin } = vendor;
    super({
      ...handedOn(options, defaults),
      ...(pin && { allowUser: allowedBy(pin, options) }),
      issuer,
      endpoints,
    });
    this.#options = options;
    this.#own = own;
  }

  override issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    const known = presetIssues(this.#options, path, Object.keys(this.#own));
    const wrong = Object.entries(this.#own)
      .filter(([name, option]) => !isLike(option, memberOf(this.#options, name)))
      .map(([name, { problem }]) => ({ path: `${path}.${name}`, problem }));
    // With these wrong, what follows from them is wrong as well.
    return wrong.length > 0 ? [...wrong, ...known] : [...super.issues(host, path), ...known];
  }
}

function isLike({ pattern, optional }: VendorOption, value: unknown): boolean {
  if (value === undefined) return optional === true;
  return isText(value) && pattern.test(value);
}
