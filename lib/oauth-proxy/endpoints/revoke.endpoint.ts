import type { Clock } from '../../common/clock.js';
import type { SigningKeys } from '../../crypto/signing-keys.js';
import type { Endpoint, EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import { Parameters } from '../../http/parameters.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { ClientAuthenticator } from '../clients/client-authenticator.js';
import type { Client } from '../clients/client.js';
import type { RefreshToken, RotatedRefreshToken } from '../tokens/grant.js';
import type { Grants } from '../tokens/grants.js';
import { type AccessTokenRecord, accessTokenType } from '../tokens/token-issuer.js';

/** Token revocation: a refresh token takes its whole grant along. @see RFC 7009 §2 */
export class RevokeEndpoint implements Endpoint {
  constructor(
    private readonly its: {
      readonly clients: ClientAuthenticator;
      readonly refreshTokens: RecordCollection<RefreshToken>;
      readonly rotated: RecordCollection<RotatedRefreshToken>;
      readonly accessTokens: RecordCollection<AccessTokenRecord>;
      readonly grants: Grants;
      readonly keys: SigningKeys;
      readonly issuer: string;
      readonly clock: Clock;
    },
  ) {}

  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    const form = Parameters.fromForm(request);
    form.assertSingle();
    const client = await this.its.clients.authenticate(request, form);
    const token = form.get('token');
    if (token === undefined) throw new OAuthError('invalid_request', 'token is missing.');
    // The hint is only a hint (RFC 7009 §2.1); the two kinds cannot be mistaken for each other.
    if (!(await this.#revokeRefreshToken(token, client))) {
      await this.#revokeAccessToken(token, client);
    }
    // A token that is unknown, or another client's, is answered the same (RFC 7009 §2.2).
    return { kind: 'empty', status: 200 };
  }

  async #revokeRefreshToken(token: string, client: Client): Promise<boolean> {
    const record = (await this.its.refreshTokens.get(token)) ?? (await this.its.rotated.get(token));
    if (!record) return false;
    if (record.clientId === client.id) {
      await this.its.grants.revoke(record.grantId, client.id, 'client');
      await this.its.refreshTokens.delete(token);
    }
    return true;
  }

  async #revokeAccessToken(token: string, client: Client): Promise<void> {
    const claims = await this.its.keys.verify(token, {
      issuer: this.its.issuer,
      typ: accessTokenType,
      now: this.its.clock.now(),
    });
    if (typeof claims?.jti !== 'string' || claims['client_id'] !== client.id) return;
    await this.its.accessTokens.delete(claims.jti);
  }
}
