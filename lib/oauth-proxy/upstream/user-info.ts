import * as oauth from 'oauth4webapi';
import { UpstreamError } from '../../common/errors.js';
import type { UpstreamVerdict } from './upstream.js';
import { refreshFailure } from './upstream-failure.js';

// A token that userinfo is not for says nothing about the login.
const notForThisToken = [400, 403, 404, 405];

/**
 * What the userinfo endpoint says of an access token.
 * @throws UpstreamError `refused` when it speaks of another user. @see OpenID Connect Core §5.3
 */
export async function userInfoVerdict(
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  { accessToken, subject }: { readonly accessToken: string; readonly subject: string },
  transport: oauth.UserInfoRequestOptions,
): Promise<UpstreamVerdict> {
  if (server.userinfo_endpoint === undefined) return 'unknown';
  try {
    const response = await oauth.userInfoRequest(server, client, accessToken, transport);
    if (response.status === 401) return 'refused';
    if (notForThisToken.includes(response.status)) return 'unknown';
    const user = await oauth.processUserInfoResponse(
      server,
      client,
      oauth.skipSubjectCheck,
      response,
    );
    if (user.sub === subject) return 'alive';
  } catch (error) {
    throw refreshFailure(error);
  }
  throw new UpstreamError('userinfo speaks of another user', 'refused');
}
