import { hashSecret } from './hash.js';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const CHALLENGE_LENGTH = 43;

/**
 * The S256 code challenge of a code verifier.
 *
 * @see RFC 7636 §4.2
 */
export function codeChallengeOf(verifier: string): string {
  return hashSecret(verifier);
}

/**
 * Tells whether the text is a code verifier: 43 to 128 unreserved characters. Ask before hashing.
 *
 * @see RFC 7636 §4.1
 */
export function isCodeVerifier(text: string): boolean {
  if (text.length < 43 || text.length > 128) return false;
  return everyCharacter(text, (c) => BASE64URL.includes(c) || c === '.' || c === '~');
}

/**
 * Tells whether the text can be an S256 code challenge: 32 bytes in their one base64url spelling.
 *
 * @see RFC 7636 §4.2
 */
export function isCodeChallenge(text: string): boolean {
  if (text.length !== CHALLENGE_LENGTH) return false;
  if (!everyCharacter(text, (c) => BASE64URL.includes(c))) return false;
  // 43 characters hold 258 bits; the two that 32 bytes leave over are zero (RFC 4648 §3.5).
  return BASE64URL.indexOf(text.charAt(CHALLENGE_LENGTH - 1)) % 4 === 0;
}

function everyCharacter(text: string, allowed: (character: string) => boolean): boolean {
  for (let i = 0; i < text.length; i++) if (!allowed(text.charAt(i))) return false;
  return true;
}
