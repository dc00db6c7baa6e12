import { frozenCopy } from '../common/frozen-copy.js';
import type { AccessToken, VerifiedToken } from './access-token.js';
import { isScopeList } from '../common/option-issues.js';

/**
 * Makes the token a request works with from what a source answered. Throws a `TypeError` when the
 * answer is not a `VerifiedToken`: a source written in a hurry must never let anyone in.
 */
export function acceptedToken(answer: VerifiedToken, token: string, source: string): AccessToken {
  if (typeof answer !== 'object') throw new TypeError('answered neither a token nor null');
  // Copied before it is checked, so that nothing can change between the check and the use.
  const accepted = Object.freeze({
    token,
    clientId: answer.clientId,
    subject: answer.subject,
    issuer: answer.issuer,
    scopes: frozenCopy(answer.scopes),
    expiresAt: answer.expiresAt,
    resource: answer.resource,
    claims: frozenCopy(answer.claims ?? {}),
    source,
  });
  const wrong = wrongMember(accepted);
  if (wrong !== undefined) throw new TypeError(`answered a token whose ${wrong}`);
  return accepted;
}

function wrongMember(token: AccessToken): string | undefined {
  if (typeof token.clientId !== 'string' || token.clientId === '') return 'clientId is no text';
  if (!isScopeList(token.scopes)) return 'scopes are no array of scopes';
  if (!isOptionalText(token.subject)) return 'subject is no text';
  if (!isOptionalText(token.issuer)) return 'issuer is no text';
  if (!isOptionalText(token.resource)) return 'resource is no text';
  if (token.expiresAt !== undefined && !Number.isFinite(token.expiresAt)) {
    return 'expiresAt is no number of seconds';
  }
  const isRecord = typeof token.claims === 'object' && !Array.isArray(token.claims);
  return isRecord ? undefined : 'claims are no object';
}

function isOptionalText(value: string | undefined): boolean {
  return value === undefined || (typeof value === 'string' && value !== '');
}
