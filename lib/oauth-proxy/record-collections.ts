import type { RecordStore } from '../storage/record-collection.js';
import type { Client } from './clients/client.js';
import type { AuthorizationCode, RedeemedCode } from './tokens/authorization-codes.js';
import type { Grant, RefreshToken, RotatedRefreshToken } from './tokens/grant.js';
import type { AccessTokenRecord } from './tokens/token-issuer.js';
import type { UpstreamSession } from './tokens/upstream-session.js';
import type { Decision, Transaction, UpstreamLogin } from './transactions/transaction.js';

/** Everything the proxy stores: one collection a kind, each with the version of its records. */
export function recordCollections(store: RecordStore) {
  return {
    /** By client id. */
    clients: store.collection<Client & { usedAt: number }>('client', 1),
    /** By the id in the consent URL. */
    transactions: store.collection<Transaction>('transaction', 1),
    /** By the id of the transaction. */
    decisions: store.collection<Decision>('decision', 1),
    /** By the upstream `state`. */
    logins: store.collection<UpstreamLogin>('login', 1),
    /** By the code. */
    codes: store.collection<AuthorizationCode>('code', 1),
    /** By the code. */
    redeemedCodes: store.collection<RedeemedCode>('redeemed-code', 1),
    /** By the grant id, which access tokens carry as `sid`. */
    grants: store.collection<Grant>('grant', 1),
    /** By the grant id. */
    sessions: store.collection<UpstreamSession>('upstream-session', 1),
    /** By the grant id. */
    locks: store.collection<{ owner: string }>('refresh-lock', 1),
    /** By the `jti` of the token. */
    accessTokens: store.collection<AccessTokenRecord>('access-token', 1),
    /** By the refresh token. */
    refreshTokens: store.collection<RefreshToken>('refresh-token', 1),
    /** By the refresh token. */
    rotated: store.collection<RotatedRefreshToken>('rotated-refresh-token', 1),
  };
}

export type RecordCollections = ReturnType<typeof recordCollections>;
