import type * as oauth from 'oauth4webapi';
import { intersectScopes, renderScope, unionScopes } from '../../common/scopes.js';

/**
 * What the scopes of this server are called at the upstream. It speaks of scopes that MCP clients
 * ask for; a list of your own in `scopes` is sent as it is.
 */
export interface ScopeMapping {
  /** What the upstream is asked for; scopes that nobody here knows may be among it. */
  toUpstream(scopes: readonly string[]): readonly string[];
  /** Which of this server's scopes stand behind what the upstream granted. */
  fromUpstream(scopes: readonly string[]): readonly string[];
  /**
   * Which of the scopes asked for are named once more in token requests.
   * @default none: what was asked for at authorization counts
   */
  inTokenRequest?(upstreamScopes: readonly string[]): readonly string[];
}

export interface UpstreamScopesOptions {
  readonly scopes?: readonly string[] | 'requested' | undefined;
  readonly scopeMapping?: ScopeMapping | undefined;
}

type NamesScope = Pick<oauth.TokenEndpointResponse, 'scope'>;

/** The scopes of one upstream, in its terms and in those of this server. */
export class UpstreamScopes {
  constructor(
    private readonly options: UpstreamScopesOptions,
    private readonly always: readonly string[] = [],
  ) {}

  /** What the upstream is asked for when the user agreed to these scopes of this server. */
  asked(consented: readonly string[]): readonly string[] {
    const { scopes = 'requested', scopeMapping } = this.options;
    const wanted =
      scopes === 'requested' ? (scopeMapping?.toUpstream(consented) ?? consented) : scopes;
    return unionScopes(this.always, wanted);
  }

  /** The same, as a parameter of a token request, where the upstream wants one. */
  tokenRequestParameter(consented: readonly string[]): Readonly<Record<string, string>> {
    const named = this.options.scopeMapping?.inTokenRequest?.(this.asked(consented)) ?? [];
    return named.length > 0 ? { scope: renderScope(named) } : {};
  }

  /**
   * Those of the consented scopes that the upstream granted; undefined when it has no say.
   * RFC 6749 §5.1: no scope in the answer means that all asked for were granted. Scopes that the
   * upstream was never asked for are not its to cut.
   */
  granted(consented: readonly string[], response: NamesScope): readonly string[] | undefined {
    const { scopes = 'requested', scopeMapping } = this.options;
    const named = scopesOf(response);
    if (scopes !== 'requested' || !named) return undefined;
    return intersectScopes(consented, scopeMapping?.fromUpstream(named) ?? named);
  }
}

/** The scopes a token response names; some vendors separate them by commas. */
export function scopesOf({ scope }: NamesScope): readonly string[] | undefined {
  return scope?.split(/[ ,]+/).filter((s) => s !== '');
}
