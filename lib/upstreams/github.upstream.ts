import type { ConfigurationIssue } from '../common/errors.js';
import { isText } from '../common/option-issues.js';
import { UpstreamError } from '../common/errors.js';
import { OutboundClient } from '../http/outbound.js';
import { OAuth2Upstream } from '../oauth-proxy/upstream/oauth2.upstream.js';
import type { UpstreamHost } from '../oauth-proxy/upstream/upstream.js';
import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { basicAuthorization, gitHubHeaders, gitHubTokenUrl } from './github-api.js';
import { gitHubScopes } from './github-scopes.js';
import { GitHubTokenVerifier } from './github-token.verifier.js';
import { handedOn, presetIssues, wantsClaims } from './preset-options.js';

/** How to log people in at GitHub. */
export interface GitHubUpstreamOptions extends UpstreamOptions {
  /** The client secret of the app: GitHub has no public clients on the web. */
  readonly clientSecret: string;
}

/**
 * GitHub as the upstream, for an OAuth App or a GitHub App. The subject is the user's numeric id.
 *
 * It asks for `read:user` unless `scopes` says otherwise. `embedClaims` knows `login`, `name`, `email`
 * (the public one, which may be missing) and `avatar_url`.
 *
 * Pinned: tokens are checked by GitHub as tokens of this very app. Not pinned: to an organization;
 * use `allowUser`, or ask the API with the upstream's token.
 *
 * Tokens of an OAuth App say no lifetime and cannot be refreshed: `lifetimes.fallbackAccessToken` is
 * how long a login lasts, unless the proxy's `recheckUpstream` finds it revoked before.
 *
 * @see https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 */
export class GitHubUpstream extends OAuth2Upstream {
  readonly #options: GitHubUpstreamOptions;

  constructor(options: GitHubUpstreamOptions) {
    const { clientId, clientSecret, fetch } = options;
    super({
      ...handedOn(options, {
        clientAuthentication: 'client_secret_post',
        scopes: ['read:user'],
        scopeMapping: gitHubScopes,
      }),
      authorizationEndpoint: 'https://github.com/login/oauth/authorize',
      tokenEndpoint: 'https://github.com/login/oauth/access_token',
      tokenVerifier: ({ clock }) =>
        new GitHubTokenVerifier({
          clientId,
          clientSecret,
          // What a token check says of the user has neither name nor e-mail.
          profile: wantsClaims(options),
          cacheSeconds: 0,
          fetch,
          clock,
        }),
      revokeTokens: ({ accessToken = '' }) => deleteToken(options, accessToken),
    });
    this.#options = options;
  }

  override issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    const issues = [...super.issues(host, path), ...presetIssues(this.#options, path)];
    if (!isText(this.#options.clientSecret)) {
      issues.push({ path: `${path}.clientSecret`, problem: 'is missing' });
    }
    return issues;
  }
}

/** GitHub has no RFC 7009. A token that is not there any more counts as deleted. */
async function deleteToken(options: GitHubUpstreamOptions, accessToken: string): Promise<void> {
  const { clientId, clientSecret, fetch } = options;
  const outbound = new OutboundClient(fetch ? { fetch } : {});
  const { status } = await outbound.fetch(gitHubTokenUrl(clientId), {
    method: 'DELETE',
    headers: {
      ...gitHubHeaders,
      'user-agent': 'nestjs-mcp-multi-auth',
      authorization: basicAuthorization(clientId, clientSecret),
    },
    body: JSON.stringify({ access_token: accessToken }),
  });
  if (status === 204 || status === 404) return;
  throw new UpstreamError(`GitHub answered ${status} to a revocation`, 'transient');
}
