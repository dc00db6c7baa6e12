/**
 * The only source of time in the library. Replace it in tests by a class of your own.
 */
export abstract class Clock {
  /** The current time in whole seconds since 1970-01-01T00:00:00Z, as in a JWT (RFC 7519 §2). */
  abstract now(): number;
}

/** The clock of the machine. */
export class SystemClock extends Clock {
  now(): number {
    return Math.floor(Date.now() / 1000);
  }
}
