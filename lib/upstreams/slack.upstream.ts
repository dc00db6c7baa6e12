import { UpstreamError } from '../common/errors.js';
import { OutboundClient } from '../http/outbound.js';
import type { UpstreamVerdict } from '../oauth-proxy/upstream/upstream.js';
import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { OidcVendorUpstream } from './oidc-vendor.upstream.js';
import { secretInForm } from './preset-options.js';
import { isSlackTokenOver, type SlackAnswer, slackAnswer, slackUrl } from './slack-api.js';

/** How to log people in at Slack. */
export interface SlackUpstreamOptions extends UpstreamOptions {
  /** The id of the workspace whose members may log in, as `T…`. @default every workspace */
  readonly team?: string | undefined;
}

/**
 * Slack as the upstream ("Sign in with Slack"). The subject is the `sub` of the id_token: the user's id.
 * `embedClaims` knows `https://slack.com/team_id` and, as far as `scopes` ask, `name` and `email`.
 *
 * It asks for `openid profile email`, which are all that there is, and without a PKCE of its own: Slack
 * has that for public apps alone. The `nonce` binds the answer to the login.
 *
 * Pinned: the id_token is signed by Slack for this client id and this login, and `team` pins it to a
 * workspace; without it everybody at Slack may log in. Tokens say no lifetime unless the app rotates
 * them: then `lifetimes.fallbackAccessToken` is how long a login lasts.
 *
 * @see https://docs.slack.dev/authentication/sign-in-with-slack
 */
export class SlackUpstream extends OidcVendorUpstream {
  readonly #outbound: OutboundClient;

  constructor(options: SlackUpstreamOptions) {
    const { team, fetch } = options;
    super(options, {
      own: {
        team: {
          pattern: /^[TE][A-Z0-9]+$/,
          problem: 'must be the id of a workspace, such as T0123ABCD',
          optional: true,
        },
      },
      issuer: 'https://slack.com',
      endpoints: {
        authorizationEndpoint: 'https://slack.com/openid/connect/authorize',
        tokenEndpoint: slackUrl('openid.connect.token'),
        jwksUri: 'https://slack.com/openid/connect/keys',
      },
      defaults: {
        ...secretInForm(options),
        forwardPkce: false,
        scopes: ['openid', 'profile', 'email'],
        extraAuthorizeParams: team === undefined ? {} : { team },
      },
      pin:
        team === undefined ? undefined : (claims) => claims['https://slack.com/team_id'] === team,
    });
    this.#outbound = new OutboundClient(fetch ? { fetch } : {});
  }

  /** Asks Slack's userinfo, which answers with status 200 whatever it has to say. */
  override async check(session: {
    accessToken: string;
    subject: string;
  }): Promise<UpstreamVerdict> {
    const answer = await this.#ask('openid.connect.userInfo', session.accessToken);
    if (isSlackTokenOver(answer)) return 'refused';
    if (answer.ok !== true) throw noVerdict('openid.connect.userInfo', answer);
    if (answer.sub === session.subject) return 'alive';
    throw new UpstreamError('userinfo speaks of another user', 'refused');
  }

  /** Slack has no RFC 7009. A token that is over already counts as revoked. */
  override async revoke({ accessToken }: { accessToken: string }): Promise<void> {
    const answer = await this.#ask('auth.revoke', accessToken);
    if (answer.ok !== true && !isSlackTokenOver(answer)) throw noVerdict('auth.revoke', answer);
  }

  async #ask(method: string, accessToken: string): Promise<SlackAnswer> {
    try {
      return await slackAnswer(this.#outbound, method, accessToken);
    } catch {
      throw new UpstreamError(`no usable answer to ${method}`, 'transient');
    }
  }
}

function noVerdict(method: string, { status }: SlackAnswer): UpstreamError {
  return new UpstreamError(`Slack answered ${status} to ${method}, and no verdict`, 'transient');
}
