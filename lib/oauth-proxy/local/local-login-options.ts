import type { Awaitable } from '../../common/awaitable.js';
import type { ConfigurationIssue } from '../../common/errors.js';
import { unknownOptionIssues } from '../../common/option-issues.js';
import { endpointUrlProblem } from '../../http/endpoint-url.js';
import { recheckIntervalIssues } from '../tokens/login-recheck.js';
import type { LocalUser } from './local-user.js';

/**
 * How the app logs its users in: an object, or a provider of the app with these members. The hooks
 * have five seconds; one that fails, or answers what cannot be used, is a 503 and costs nobody anything.
 */
export interface LocalLogin {
  /**
   * The app's login page: a path of the origin of `baseUrl`, such as `/login`, or a whole URL. A
   * browser whose user is not logged in is sent there, and belongs back at the URL in
   * `returnParameter`: see `MultiAuthService.loginReturnUrl`.
   */
  readonly page: string;
  /** The name of the parameter by which the page learns where to return to. @default return_to */
  readonly returnParameter?: string | undefined;
  /**
   * Between refreshes, how often at most `findUser` is asked whether a user whose tokens are used is
   * still there, in seconds: 10 to 86400. @default never: only a refresh asks
   */
  readonly recheckSeconds?: number | undefined;

  /**
   * Who is logged in at the browser that sent the request, by the app's own session; nobody is
   * `undefined`, `null` or `false`. The request is that of the platform, Express's or Fastify's, as a
   * handler gets it: declare the parameter as what it is.
   */
  user(request: object): Awaitable<LocalUser | undefined | null | false>;

  /**
   * The user as they are now, by subject: asked at every refresh, for new claims. A user who is not
   * there any more, or must not log in, is `undefined`, `null` or `false`, and that ends the grant.
   * @default users stay who they were at their login
   */
  findUser?(subject: string): Awaitable<LocalUser | undefined | null | false>;
}

const known: readonly (keyof LocalLogin)[] = [
  'findUser',
  'page',
  'recheckSeconds',
  'returnParameter',
  'user',
];

/** What is wrong with how users log in. */
export function localLoginIssues(
  login: unknown,
  { baseUrl, path }: { readonly baseUrl: string; readonly path: string },
): ConfigurationIssue[] {
  if (typeof login !== 'object' || login === null) {
    return [{ path, problem: 'is missing: say how the app logs its users in' }];
  }
  const { page, returnParameter, recheckSeconds, user, findUser } = login as Partial<LocalLogin>;
  const issues: ConfigurationIssue[] = [];
  const add = (name: keyof LocalLogin, problem: string | null): void => {
    if (problem !== null) issues.push({ path: `${path}.${name}`, problem });
  };
  add('page', pageProblem(page, baseUrl));
  if (returnParameter !== undefined && !/^[A-Za-z][\w.-]*$/.test(returnParameter)) {
    add('returnParameter', 'must be a plain name such as return_to');
  }
  if (typeof user !== 'function') add('user', 'is missing: say who is logged in');
  if (findUser !== undefined && typeof findUser !== 'function') {
    add('findUser', 'must be a function');
  }
  if (recheckSeconds !== undefined && findUser === undefined) {
    add('recheckSeconds', 'needs findUser: there is nobody to ask');
  }
  // A provider of the app has members of its own beside these.
  const isPlain = Object.getPrototypeOf(login) === Object.prototype;
  return [
    ...(isPlain ? unknownOptionIssues(path, login, known) : []),
    ...issues,
    ...recheckIntervalIssues(recheckSeconds, `${path}.recheckSeconds`),
  ];
}

function pageProblem(page: unknown, baseUrl: string): string | null {
  if (typeof page !== 'string' || page === '') return 'is missing: give the login page';
  const base = new URL(baseUrl);
  const isPath = page.startsWith('/');
  if (isPath && (!URL.canParse(page, base.href) || new URL(page, base).origin !== base.origin)) {
    return 'must be a path such as /login, or a whole URL';
  }
  const url = isPath ? new URL(page, base).href : page;
  const problem = endpointUrlProblem(url);
  if (problem !== null) return isPath ? 'must be a plain path such as /login' : problem;
  const own = ['/authorize', '/consent'].map((path) => baseUrl + path);
  const { origin, pathname } = new URL(url);
  return own.includes(origin + pathname)
    ? 'is an endpoint of this server: the login would go round in circles'
    : null;
}
