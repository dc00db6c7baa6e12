import type { RecordStore } from '../storage/record-collection.js';
import type { ConfigurationMark } from './configuration-mark.js';
import type { KnownDocument } from './clients/client-documents.js';
import type { RegisteredClient } from './clients/client.repository.js';
import type {
  ClientConsents,
  ForgottenConsent,
  RememberedClients,
} from './consent/remembered-consents.js';
import type { RateLimitSlot } from './limits/rate-limiter.js';
import type { AuthorizationCode, RedeemedCode } from './tokens/authorization-codes.js';
import type { Grant, RefreshToken, RotatedRefreshToken, TokenResponse } from './tokens/grant.js';
import type { GrantSlot } from './tokens/grant-index.js';
import type { LoginCheck } from './tokens/login-recheck.js';
import type { LatestMark, RevocationMark } from './tokens/revocation-marks.js';
import type { AccessTokenRecord } from './tokens/token-issuer.js';
import type { UpstreamSession } from './tokens/upstream-session.js';
import type { Decision, Transaction, UpstreamLogin } from './transactions/transaction.js';

/**
 * Everything the proxy stores: one collection a kind, each with the version of its records. Raise it
 * when older instances would misread a record. What lets somebody in is then refused by the others; but
 * what keeps somebody out (`revoked-grant`, `revocation-mark`, `rotated-refresh-token`, …) they would
 * not see: keep its version, and add to it only what they may ignore.
 */
export function recordCollections(store: RecordStore) {
  return {
    /** One record: what the instances agree on. */
    configurations: store.collection<ConfigurationMark>('configuration', 1),
    /** By a random id, for a moment: whether the store can be used. */
    probes: store.collection<object>('probe', 1),
    /** By client id. */
    clients: store.collection<RegisteredClient>('client', 1),
    /** By client id, which is the URL. */
    documents: store.collection<KnownDocument>('client-document', 1),
    /** By the id in the consent URL. */
    transactions: store.collection<Transaction>('transaction', 1),
    /** By the id of the transaction. */
    decisions: store.collection<Decision>('decision', 1),
    /** By the browser's cookie, or the user, and the client id. */
    consents: store.collection<ClientConsents>('consent', 2),
    /** By the browser's cookie, or the user, and the client id. */
    forgottenConsents: store.collection<ForgottenConsent>('forgotten-consent', 1),
    /** By the browser's cookie, or the user. */
    rememberedClients: store.collection<RememberedClients>('remembered-clients', 1),
    /** By the upstream `state`. */
    logins: store.collection<UpstreamLogin>('login', 2),
    /** By the code. */
    codes: store.collection<AuthorizationCode>('code', 2),
    /** By the code. */
    redeemedCodes: store.collection<RedeemedCode>('redeemed-code', 1),
    /** By the grant id, which access tokens carry as `sid`. */
    grants: store.collection<Grant>('grant', 2),
    /** By the grant id. */
    revokedGrants: store.collection<object>('revoked-grant', 1),
    /** By the subject and a number. */
    grantSlots: store.collection<GrantSlot>('grant-slot', 1),
    /** By a subject, a client, or both. */
    marks: store.collection<RevocationMark>('revocation-mark', 1),
    /** Under one key. */
    latestMark: store.collection<LatestMark>('latest-revocation-mark', 1),
    /** By the grant id. */
    sessions: store.collection<UpstreamSession>('upstream-session', 2),
    /** By the grant id and the number of the refresh that brought it. */
    successors: store.collection<UpstreamSession>('upstream-successor', 1),
    /** By the grant id. */
    checks: store.collection<LoginCheck>('upstream-check', 1),
    /** By the grant id. */
    locks: store.collection<{ owner: string }>('refresh-lock', 1),
    /** By the `jti` of the token. */
    accessTokens: store.collection<AccessTokenRecord>('access-token', 2),
    /** By the refresh token. */
    refreshTokens: store.collection<RefreshToken>('refresh-token', 1),
    /** By the client id and the `jti` of the assertion. */
    usedAssertions: store.collection<object>('used-client-assertion', 1),
    /** By the refresh token. */
    rotated: store.collection<RotatedRefreshToken>('rotated-refresh-token', 2),
    /** By an id that `rotated` names. */
    refreshAnswers: store.collection<TokenResponse>('refresh-answer', 1),
    /** By limit, subject, window and number. */
    rateLimitSlots: store.collection<RateLimitSlot>('rate-limit', 1),
  };
}

export type RecordCollections = ReturnType<typeof recordCollections>;
