import { hasDuplicateMembers } from './duplicate-members.js';

/**
 * Tells whether a compact JWS is written in the one way its content can be: no header member twice
 * (RFC 7515 §4), no other base64url text for the same signature. The header must be valid JSON.
 */
export function isPlainJws(token: string): boolean {
  return !hasDuplicateMembers(headerText(token)) && isSignatureCanonical(token);
}

// RFC 4648 §3.5: spare bits at the end would give one token several spellings, and several hashes.
function isSignatureCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

function headerText(token: string): string {
  return Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString('utf8');
}
