import type { ConfigurationIssue } from '../common/errors.js';
import { OidcUpstream } from '../oauth-proxy/upstream/oidc.upstream.js';
import type { UpstreamHost } from '../oauth-proxy/upstream/upstream.js';
import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { handedOn, presetIssues, secretInForm } from './preset-options.js';

/** How to log people in at Hugging Face; a public app has no `clientSecret`. */
export type HuggingFaceUpstreamOptions = UpstreamOptions;

/**
 * Hugging Face as the upstream. The subject is the `sub` of the id_token: the account, whatever its
 * user name.
 *
 * It asks for `openid profile` unless `scopes` says otherwise. `extraAuthorizeParams: { orgIds }` asks
 * for access to an organization.
 *
 * Pinned: the id_token is signed by Hugging Face for this client id and this login. Its access tokens
 * name no app: there is no verifier for them on their own. Not pinned: to an organization, which
 * `allowUser` can do by the claim `orgs`.
 *
 * @see https://huggingface.co/docs/hub/oauth
 */
export class HuggingFaceUpstream extends OidcUpstream {
  readonly #options: HuggingFaceUpstreamOptions;

  constructor(options: HuggingFaceUpstreamOptions) {
    super({
      ...handedOn(options, { ...secretInForm(options), scopes: ['openid', 'profile'] }),
      issuer: 'https://huggingface.co',
    });
    this.#options = options;
  }

  override issues(host: UpstreamHost, path: string): readonly ConfigurationIssue[] {
    return [...super.issues(host, path), ...presetIssues(this.#options, path)];
  }
}
