import { StorageError } from '../common/errors.js';

const MAX_KEY_BYTES = 200;

/** @throws StorageError unless the key is a well-formed text of 1 to 200 bytes in UTF-8. */
export function assertEntryKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes === 0 || bytes > MAX_KEY_BYTES) {
    throw new StorageError(`A key must have 1 to ${MAX_KEY_BYTES} bytes; this one has ${bytes}.`);
  }
  // In UTF-8 all lone surrogates are U+FFFD: different keys would become one.
  if (/\p{Surrogate}/u.test(key)) throw new StorageError('A key must be well-formed Unicode.');
}

/** @throws StorageError unless the time to live is a whole number of at least 1. */
export function assertTtlSeconds(ttlSeconds: number): void {
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
    throw new StorageError(
      `A time to live must be a whole number of at least 1 second, not ${ttlSeconds}.`,
    );
  }
}
