import { isText } from '../common/option-issues.js';
import { basicAuthorization, gitHubHeaders, gitHubTokenUrl } from './github-api.js';
import type { VendorVerdict } from './vendor-answers.js';
import { memberOf, textClaims } from './vendor-answer.js';
import {
  type VendorAnswer,
  VendorTokenVerifier,
  type VendorTokenVerifierOptions,
} from './vendor-token.verifier.js';

/** What a `GitHubTokenVerifier` needs to know. */
export interface GitHubTokenVerifierOptions extends VendorTokenVerifierOptions {
  /** The client id of the OAuth App or GitHub App that the tokens must have been issued to. */
  readonly clientId: string;
  /** Its client secret. */
  readonly clientSecret: string;
  /** Whether the user's name and public e-mail are asked for too, at the cost of a second call. @default false */
  readonly profile?: boolean | undefined;
}

const userUrl = 'https://api.github.com/user';
// OAuth Apps, GitHub Apps, and OAuth tokens from before there were prefixes.
const oauthToken = /^(gho_|ghu_)/;
const oldToken = /^[0-9a-f]{40}$/;

/**
 * Accepts user tokens of GitHub that were issued to one app: GitHub checks a token for the app that
 * authenticates, and knows no tokens of others. Personal access tokens and installation tokens are
 * refused unseen. The subject is the user's numeric id: logins can change hands.
 *
 * @throws {ConfigurationError} naming every option that is missing or wrong.
 * @see https://docs.github.com/en/rest/apps/oauth-applications#check-a-token
 */
export class GitHubTokenVerifier extends VendorTokenVerifier {
  readonly #options: GitHubTokenVerifierOptions;

  constructor(options: GitHubTokenVerifierOptions) {
    super(options, 'GitHubTokenVerifier', {
      clientId: isText(options.clientId) ? undefined : 'is missing',
      clientSecret: isText(options.clientSecret) ? undefined : 'is missing',
      profile: ['undefined', 'boolean'].includes(typeof options.profile)
        ? undefined
        : 'must be true or false',
    });
    this.#options = { ...options };
  }

  recognizes(token: string): boolean | undefined {
    if (oauthToken.test(token)) return true;
    return oldToken.test(token) ? undefined : false;
  }

  protected async ask(token: string): Promise<VendorVerdict> {
    const { clientId, clientSecret, profile } = this.#options;
    const answer = await this.call(gitHubTokenUrl(clientId), {
      method: 'POST',
      headers: { ...gitHubHeaders, authorization: basicAuthorization(clientId, clientSecret) },
      body: JSON.stringify({ access_token: token }),
    });
    if (answer.status === 404) return 'unknown_token';
    // 401 is about the app's secret, 403 and 422 about too many questions: none about the token.
    if (answer.status !== 200) throw this.unavailable(answer);
    const { app, user } = answer.body;
    if (memberOf(app, 'client_id') !== clientId) return 'wrong_client';
    const id = memberOf(user, 'id');
    if (!Number.isSafeInteger(id)) return 'no_subject';
    if (!profile) return this.#verified(answer, user);
    const known = await this.#profile(token);
    return memberOf(known, 'id') === id ? this.#verified(answer, known) : 'no_subject';
  }

  async #profile(token: string): Promise<unknown> {
    const headers = { ...gitHubHeaders, authorization: `Bearer ${token}` };
    const answer = await this.call(userUrl, { headers });
    if (answer.status !== 200) throw this.unavailable(answer);
    return answer.body;
  }

  #verified({ body }: VendorAnswer, user: unknown): VendorVerdict {
    const { scopes, expires_at: expires } = body;
    const expiresAt = typeof expires === 'string' ? Date.parse(expires) / 1000 : undefined;
    if (expiresAt !== undefined && Number.isNaN(expiresAt)) return 'malformed';
    const subject = String(memberOf(user, 'id'));
    return {
      clientId: this.#options.clientId,
      subject,
      issuer: 'https://github.com',
      scopes: (scopes ?? []) as readonly string[],
      expiresAt,
      claims: { sub: subject, ...textClaims(user, ['login', 'name', 'email', 'avatar_url']) },
    };
  }
}
