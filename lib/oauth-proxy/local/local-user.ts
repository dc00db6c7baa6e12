/** A user of the app, as its login knows them. */
export interface LocalUser {
  /** Identifies the user for good, such as the key of their record: the `sub` of their tokens. */
  readonly subject: string;
  /**
   * What the consent page calls them, without invisible characters. Let it be what they cannot choose
   * freely, such as a confirmed e-mail address: nobody is to take a page for somebody else's.
   * @default the subject
   */
  readonly name?: string | undefined;
  /**
   * What their tokens carry beside the registered claims, such as `{ email }`: JSON of at most 4 kB.
   * Whoever holds a token can read it.
   * @default nothing
   */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}
