import { Strategy } from 'passport-http-bearer';

import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import { ConfigurationError } from '../common/errors.js';
import type { AccessToken } from '../verifiers/access-token.js';
import type { BearerCredentials } from './bearer-token.js';
import { rawHeadersOf } from './http-exchange.js';
import type { GuardedRequest } from './http-exchange.js';
import { OAuthException } from './oauth.exception.js';
import { parseCredentials } from './request-credentials.js';
import type { Admission } from './resource-server.js';

/** The name under which the strategy is registered with Passport. */
export const MCP_BEARER = 'mcp-bearer';

/** Everything an attempt depends on: Passport's registry is shared by the whole process. */
export interface McpBearerOptions {
  /** Judges the credentials of the request; `McpAuthGuard.authenticateOptions` makes it. */
  readonly admit: (credentials: BearerCredentials) => Awaitable<Admission>;
  /** The headers beside `Authorization` that may bring a token, in lower case. @default none */
  readonly tokenHeaders?: readonly string[];
}

/** All the base class gets to see: it would also read tokens from a query or a body. */
interface BearerRequest extends McpBearerOptions {
  readonly headers: { readonly authorization: string };
  readonly credentials: BearerCredentials;
}

type Done = (error: unknown, token?: AccessToken) => void;

interface PassportActions {
  success(token: AccessToken): void;
  error(thrown: unknown): void;
  fail(challenge?: unknown): void;
}

interface BearerBase {
  name: string;
  authenticate(request: object, options?: object): void;
}

// Typed here, so that the published types need no types of Passport.
const Base = Strategy as unknown as new (
  options: { readonly passReqToCallback: true },
  verify: (request: BearerRequest, token: string, done: Done) => void,
) => BearerBase;

/**
 * The bearer strategy: it holds nothing itself, and reads the token from the header alone.
 *
 * `AuthGuard(MCP_BEARER)` of `@nestjs/passport` works when its `getAuthenticateOptions(context)`
 * returns `McpAuthGuard.authenticateOptions(context)`; without that every request is refused.
 */
export class McpBearerStrategy extends Base {
  constructor() {
    super({ passReqToCallback: true }, (request, _token, done) =>
      conclude(request.admit(request.credentials), done),
    );
    this.name = MCP_BEARER;
  }

  override authenticate(request: object, options: Partial<McpBearerOptions> = {}): void {
    const actions = this as unknown as PassportActions;
    const { admit, tokenHeaders = [] } = options;
    if (admit === undefined) return actions.error(unconfigured());
    const received: GuardedRequest = request;
    const rawHeaders = rawHeadersOf(received);
    const credentials = parseCredentials(received.headers, rawHeaders, tokenHeaders);
    if (credentials.kind === 'token') {
      const minimal: BearerRequest = {
        headers: { authorization: `Bearer ${credentials.token}` },
        credentials,
        admit,
      };
      return super.authenticate(minimal);
    }
    return conclude(admit(credentials), (error, token) =>
      token === undefined ? actions.error(error) : actions.success(token),
    );
  }

  /**
   * Runs one attempt on an object of its own, as Passport does, and answers the accepted token;
   * without a promise when nothing had to be waited for.
   * @throws OAuthException when the request may not pass
   */
  attempt(request: object, options: McpBearerOptions): Awaitable<AccessToken> {
    let settled: (() => AccessToken) | undefined;
    let wake: ((outcome: () => AccessToken) => void) | undefined;
    const settle = (outcome: () => AccessToken): void => {
      settled ??= outcome;
      wake?.(settled);
    };
    const attempt = Object.create(this) as McpBearerStrategy & PassportActions;
    attempt.success = (token) => settle(() => token);
    attempt.error = (thrown) => settle(() => rethrow(thrown));
    attempt.fail = () => settle(() => rethrow(new Error('The attempt ended without a verdict.')));
    attempt.authenticate(request, options);
    if (settled !== undefined) return settled();
    return new Promise<() => AccessToken>((resolve) => {
      wake = resolve;
    }).then((outcome) => outcome());
  }
}

function conclude(admission: Awaitable<Admission>, done: Done): void {
  if (isPromise(admission)) {
    admission.then(
      (reached) => report(reached, done),
      (thrown: unknown) => done(thrown),
    );
  } else {
    report(admission, done);
  }
}

function report(admission: Admission, done: Done): void {
  if (admission.admitted) done(null, admission.token);
  else done(OAuthException.of(admission.refusal));
}

function rethrow(thrown: unknown): never {
  throw thrown;
}

function unconfigured(): ConfigurationError {
  const problem =
    'must override getAuthenticateOptions(context) to return McpAuthGuard.authenticateOptions(context)';
  return new ConfigurationError([{ path: `AuthGuard('${MCP_BEARER}')`, problem }]);
}
