import { isText } from '../common/option-issues.js';
import type { VendorVerdict } from './vendor-answers.js';
import { memberOf, textClaims } from './vendor-answer.js';
import { VendorTokenVerifier, type VendorTokenVerifierOptions } from './vendor-token.verifier.js';

/** What a `DiscordTokenVerifier` needs to know. */
export interface DiscordTokenVerifierOptions extends VendorTokenVerifierOptions {
  /** The id of the application that the tokens must have been issued to. */
  readonly clientId: string;
  /**
   * Whether the user's e-mail is asked for too, at the cost of a second call; the token then needs the
   * scope `email`.
   * @default false
   */
  readonly profile?: boolean | undefined;
}

const authorizationUrl = 'https://discord.com/api/v10/oauth2/@me';
const userUrl = 'https://discord.com/api/v10/users/@me';

/**
 * Accepts user tokens of Discord that were issued to one application, with the scope `identify`. The
 * subject is the user's id.
 *
 * @throws {ConfigurationError} naming every option that is missing or wrong.
 * @see https://discord.com/developers/docs/topics/oauth2#get-current-authorization-information
 */
export class DiscordTokenVerifier extends VendorTokenVerifier {
  readonly #clientId: string;
  readonly #profile: boolean;

  constructor(options: DiscordTokenVerifierOptions) {
    super(options, 'DiscordTokenVerifier', {
      clientId: isText(options.clientId) ? undefined : 'is missing',
      profile: ['undefined', 'boolean'].includes(typeof options.profile)
        ? undefined
        : 'must be true or false',
    });
    this.#clientId = options.clientId;
    this.#profile = options.profile ?? false;
  }

  /**
   * False for what has a dot: bot tokens and JWTs. Discord documents no more of what its tokens look
   * like: all other opaque tokens are shown to it, so put it behind the verifiers that know theirs.
   */
  recognizes(token: string): boolean | undefined {
    return token.includes('.') ? false : undefined;
  }

  protected async ask(token: string): Promise<VendorVerdict> {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await this.call(authorizationUrl, { headers });
    if (answer.status === 401) return 'unknown_token';
    if (answer.status !== 200) throw this.unavailable(answer);
    const { application, scopes, expires, user } = answer.body;
    if (memberOf(application, 'id') !== this.#clientId) return 'wrong_client';
    const subject = memberOf(user, 'id');
    if (!isText(subject)) return 'no_subject';
    const expiresAt = Math.floor(Date.parse(String(expires)) / 1000);
    if (Number.isNaN(expiresAt)) return 'malformed';
    const known = this.#profile ? await this.call(userUrl, { headers }) : undefined;
    if (known && known.body['id'] !== subject) throw this.unavailable(known);
    const profile = known?.body ?? user;
    return {
      clientId: this.#clientId,
      subject,
      issuer: 'https://discord.com',
      scopes: (scopes ?? []) as readonly string[],
      expiresAt,
      claims: {
        sub: subject,
        ...textClaims(profile, ['username', 'global_name', 'avatar', 'locale', 'email']),
        // Anyone can type an address.
        ...(memberOf(profile, 'verified') === true && { email_verified: true }),
      },
    };
  }
}
