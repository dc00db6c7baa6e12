import type { UpstreamOptions } from '../oauth-proxy/upstream/upstream-options.js';
import { OidcVendorUpstream } from './oidc-vendor.upstream.js';

/** How to log people in at Amazon Cognito. */
export interface CognitoUpstreamOptions extends UpstreamOptions {
  /** The id of the user pool, which begins with its region: `eu-central-1_AbCdEf123`. */
  readonly userPoolId: string;
}

/**
 * A user pool of Amazon Cognito as the upstream, with managed login. The subject is the `sub` of the
 * id_token, which stays when the user name changes. `embedClaims` knows `cognito:username`,
 * `cognito:groups` and the attributes that the app client may read.
 *
 * It asks for `openid` alone: Cognito refuses what the app client is not allowed.
 *
 * Pinned: the id_token is signed by the pool for this app client and this login. Cognito's access
 * tokens have no audience, only a `client_id`, and decide nothing here. Not pinned: to a group, which
 * `allowUser` can do by `cognito:groups`.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-userpools-server-contract-reference.html
 */
export class CognitoUpstream extends OidcVendorUpstream {
  constructor(options: CognitoUpstreamOptions) {
    const { userPoolId } = options;
    const region = /^[^_]*/.exec(userPoolId)?.[0];
    super(options, {
      own: {
        userPoolId: {
          pattern: /^[a-z]+(-[a-z]+)+-\d+_[A-Za-z0-9]+$/,
          problem: 'must be the id of a user pool, such as eu-central-1_AbCdEf123',
        },
      },
      issuer: `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`,
      defaults: { scopes: ['openid'] },
    });
  }
}
