import type { Grant } from './grant.js';
import type { UpstreamSession } from './upstream-session.js';

/** A login that goes on, as a refresh of its tokens finds it. */
export interface LiveLogin {
  /** Absent where there is no upstream. */
  readonly session?: UpstreamSession | undefined;
  /** What is known of the user now; absent when it is what it was at the login. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** A login about which nobody was asked. */
export interface KnownLogin {
  /** When it was last heard that it goes on, in seconds since the epoch. */
  readonly at: number;
  /** Asks whether it still does; when it does not, its grant has ended. */
  goesOn(): Promise<boolean>;
}

/** A grant lives as long as its login, by the word of whoever logged the user in. */
export interface LoginLife {
  /**
   * The login behind a grant, asked about; undefined when it is over, and the grant with it.
   * @throws UpstreamError, LoginUnavailableError when nobody can be asked now
   */
  refreshed(grantId: string, grant: Grant): Promise<LiveLogin | undefined>;

  /** What is known of it here; undefined when it is over. */
  known(grantId: string, grant: Grant): Promise<KnownLogin | undefined>;
}
