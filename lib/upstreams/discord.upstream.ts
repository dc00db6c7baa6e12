import type { ConfigurationIssue } from '../common/errors.js';
import { OAuth2Upstream } from '../oauth-proxy/upstream/oauth2.upstream.js';
import type { UpstreamHost } from '../oauth-proxy/upstream/upstream.js';
import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { DiscordTokenVerifier } from './discord-token.verifier.js';
import { handedOn, presetIssues, secretInForm, wantsClaims } from './preset-options.js';

/** How to log people in at Discord. */
export type DiscordUpstreamOptions = UpstreamOptions;

/**
 * Discord as the upstream. The subject is the user's id.
 *
 * It asks for `identify` unless `scopes` says otherwise; a list of your own has to contain it.
 * `embedClaims` knows `username`, `global_name`, `avatar`, and with the scope `email` also `email`
 * and `email_verified`.
 *
 * Pinned: Discord says to which application a token was issued, and it must be this one. Not pinned:
 * to a server ("guild"); ask the API with the upstream's token.
 *
 * @see https://discord.com/developers/docs/topics/oauth2
 */
export class DiscordUpstream extends OAuth2Upstream {
  readonly #options: DiscordUpstreamOptions;

  constructor(options: DiscordUpstreamOptions) {
    const { clientId, fetch } = options;
    super({
      ...handedOn(options, { ...secretInForm(options), scopes: ['identify'] }),
      authorizationEndpoint: 'https://discord.com/oauth2/authorize',
      tokenEndpoint: 'https://discord.com/api/oauth2/token',
      revocationEndpoint: 'https://discord.com/api/oauth2/token/revoke',
      tokenVerifier: ({ clock }) =>
        new DiscordTokenVerifier({
          clientId,
          profile: wantsClaims(options),
          cacheSeconds: 0,
          fetch,
          clock,
        }),
    });
    this.#options = options;
  }

  override issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    return [...super.issues(host, path), ...presetIssues(this.#options, path)];
  }
}
