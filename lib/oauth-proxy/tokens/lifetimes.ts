import type { ConfigurationIssue } from '../../common/errors.js';

/** How long things live, in seconds. */
export interface Lifetimes {
  /** A login from `/authorize` to the upstream's answer. @default 600 */
  readonly transaction: number;
  /** An authorization code; at most 600. @default 120 */
  readonly authorizationCode: number;
  /**
   * An access token. Where the upstream's token cannot be refreshed it never outlives that one.
   * @default what is left of the upstream's token, or `fallbackAccessToken`
   */
  readonly accessToken: number | undefined;
  /** An access token when the upstream does not say how long its own lives. @default 3600 */
  readonly fallbackAccessToken: number;
  /** A refresh token that is not used. @default 30 days */
  readonly refreshTokenIdle: number;
  /** A login with all its refreshes. @default 365 days */
  readonly refreshTokenAbsolute: number;
  /** How long a superseded refresh token gets the same answer again; 0 to 60. @default 10 */
  readonly refreshGrace: number;
  /** A registered client that nobody uses; it may live up to a day longer. @default 90 days */
  readonly unusedClient: number;
  /**
   * How long before its end the upstream's access token is refreshed, at the first use then; at most
   * a quarter of its life. @default 60
   */
  readonly upstreamRefreshMargin: number;
  /** A consent, with `consent: 'remember'`, from when the page was answered. @default 30 days */
  readonly rememberedConsent: number;
  /** A registered client with which nobody logged in yet; at most `unusedClient`. @default 7 days */
  readonly unconfirmedClient: number;
}

const daySeconds = 86_400;

const defaultLifetimes: Lifetimes = {
  transaction: 600,
  authorizationCode: 120,
  accessToken: undefined,
  fallbackAccessToken: 3600,
  refreshTokenIdle: 30 * daySeconds,
  refreshTokenAbsolute: 365 * daySeconds,
  refreshGrace: 10,
  unusedClient: 90 * daySeconds,
  upstreamRefreshMargin: 60,
  rememberedConsent: 30 * daySeconds,
  unconfirmedClient: 7 * daySeconds,
};

const limits: Record<keyof Lifetimes, readonly [min: number, max: number]> = {
  transaction: [30, 3600],
  authorizationCode: [5, 600],
  accessToken: [5, daySeconds],
  fallbackAccessToken: [5, daySeconds],
  refreshTokenIdle: [60, 730 * daySeconds],
  refreshTokenAbsolute: [60, 730 * daySeconds],
  refreshGrace: [0, 60],
  unusedClient: [3600, 730 * daySeconds],
  upstreamRefreshMargin: [0, 3600],
  // No browser keeps a cookie for longer than 400 days.
  rememberedConsent: [60, 400 * daySeconds],
  unconfirmedClient: [3600, 730 * daySeconds],
};

/** The longest that anything granted can live after its login, under whatever options. */
export const longestGrantSeconds = limits.refreshTokenAbsolute[1] + limits.authorizationCode[1];

/** The lifetimes in force: what was given, and the default for what was not. */
export function resolveLifetimes(given: Partial<Lifetimes> | undefined): Lifetimes {
  const said = Object.entries(given ?? {}).filter(([, seconds]) => seconds !== undefined);
  return { ...defaultLifetimes, ...Object.fromEntries(said) };
}

export function lifetimeIssues(given: Partial<Lifetimes>, path: string): ConfigurationIssue[] {
  const issues: ConfigurationIssue[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const limit = limits[name as keyof Lifetimes] as readonly [number, number] | undefined;
    if (!limit) issues.push({ path: `${path}.${name}`, problem: 'is not an option' });
    else if (!Number.isInteger(value) || value < limit[0] || value > limit[1]) {
      const range = `${limit[0]} to ${limit[1]}`;
      issues.push({ path: `${path}.${name}`, problem: `must be whole seconds, ${range}` });
    }
  }
  const { unusedClient, refreshTokenIdle } = resolveLifetimes(given);
  if (issues.length === 0 && unusedClient < refreshTokenIdle) {
    const problem =
      'must not be shorter than refreshTokenIdle: clients would expire under their users';
    issues.push({ path: `${path}.unusedClient`, problem });
  }
  return issues;
}
