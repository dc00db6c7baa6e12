import { isText } from '../common/option-issues.js';
import { parseScope } from '../common/scopes.js';
import { googleScopes } from './google-scopes.js';
import type { VendorVerdict } from './vendor-answers.js';
import { textClaims } from './vendor-answer.js';
import { VendorTokenVerifier, type VendorTokenVerifierOptions } from './vendor-token.verifier.js';

/** What a `GoogleTokenVerifier` needs to know. */
export interface GoogleTokenVerifierOptions extends VendorTokenVerifierOptions {
  /** The client id that the tokens must have been issued to; one of them when there are several. */
  readonly clientId: string | readonly string[];
}

const tokenInfoUrl = 'https://oauth2.googleapis.com/tokeninfo';

/**
 * Accepts access tokens of Google that were issued to your client ids. Scopes are known by their long
 * names, and `email` and `profile` by the short ones too.
 *
 * Not pinned: to a Workspace domain, which Google does not say of an access token.
 *
 * @throws {ConfigurationError} naming every option that is missing or wrong.
 * @see https://developers.google.com/identity/openid-connect/openid-connect
 */
export class GoogleTokenVerifier extends VendorTokenVerifier {
  readonly #clientIds: readonly string[];

  constructor(options: GoogleTokenVerifierOptions) {
    const ids: readonly unknown[] = Array.isArray(options.clientId)
      ? options.clientId
      : [options.clientId];
    const areIds = ids.length > 0 && ids.every(isText);
    super(options, 'GoogleTokenVerifier', {
      clientId: areIds ? undefined : 'must be a client id, or a list of one or more',
    });
    this.#clientIds = ids as readonly string[];
  }

  recognizes(token: string): boolean {
    return token.startsWith('ya29.');
  }

  protected async ask(token: string): Promise<VendorVerdict> {
    const query = new URLSearchParams({ access_token: token });
    const answer = await this.call(`${tokenInfoUrl}?${query.toString()}`);
    if (answer.status === 400) return 'unknown_token';
    if (answer.status !== 200) throw this.unavailable(answer);
    const { aud, sub, scope, exp } = answer.body;
    if (!isText(aud) || !this.#clientIds.includes(aud)) return 'wrong_client';
    if (!isText(sub)) return 'no_subject';
    const scopes = parseScope(typeof scope === 'string' ? scope : '');
    // Google writes numbers as texts here.
    const expiresAt = Number(exp);
    if (scopes === null || !(expiresAt > 0)) return 'malformed';
    return {
      clientId: aud,
      subject: sub,
      issuer: 'https://accounts.google.com',
      scopes: googleScopes.fromUpstream(scopes),
      expiresAt,
      claims: {
        ...textClaims(answer.body, ['aud', 'azp', 'sub', 'email']),
        ...(answer.body['email_verified'] === 'true' && { email_verified: true }),
      },
    };
  }
}
