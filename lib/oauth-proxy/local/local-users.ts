import { describeError, LoginUnavailableError } from '../../common/errors.js';
import { frozenCopy } from '../../common/frozen-copy.js';
import { late, within } from '../../common/within.js';
import type { EndpointRequest } from '../../http/endpoint.js';
import { registeredClaims } from '../tokens/registered-claims.js';
import type { LocalLogin } from './local-login-options.js';
import type { LocalUser } from './local-user.js';

const hookSeconds = 5;
const maxSubjectLength = 255;
const maxNameLength = 200;
const maxClaimsBytes = 4096;
/** Marks of direction, joiners, and other characters that are not seen. */
const invisible = /\p{Cf}/u;

/** The users of the app, by the hooks of its login. What the hooks answer is not believed unseen. */
export class LocalUsers {
  constructor(private readonly login: LocalLogin) {}

  /**
   * Who is logged in at the browser; undefined when nobody is.
   * @throws LoginUnavailableError
   */
  at(request: EndpointRequest): Promise<LocalUser | undefined> {
    return ask('login.user', () => this.login.user(request.platformRequest ?? {}));
  }

  /**
   * The user as they are now; undefined when they are gone.
   * @throws LoginUnavailableError
   */
  async find(subject: string): Promise<LocalUser | undefined> {
    const user = await ask('login.findUser', () => this.login.findUser?.(subject));
    if (user && user.subject !== subject) throw unusable('login.findUser', 'is another user');
    return user;
  }

  /** Whether users can be found when they are not at their browser. */
  get canBeFound(): boolean {
    return this.login.findUser !== undefined;
  }
}

async function ask(hook: string, question: () => unknown): Promise<LocalUser | undefined> {
  const answer = await answerOf(hook, question);
  if (answer === undefined || answer === null || answer === false) return undefined;
  if (typeof answer !== 'object') throw unusable(hook, 'is neither a user nor undefined');
  const { subject, name, claims = {} } = answer as Partial<Record<keyof LocalUser, unknown>>;
  if (!isPlainText(subject, maxSubjectLength) || invisible.test(subject)) {
    throw unusable(hook, `has a subject that is no text of 1 to ${maxSubjectLength} characters`);
  }
  if (name !== undefined && !isPlainText(name, maxNameLength)) {
    throw unusable(hook, `has a name that is no text of 1 to ${maxNameLength} characters`);
  }
  // People choose their names: one that nobody can see, or that turns the page around, is none.
  const shown = name?.replaceAll(new RegExp(invisible, 'gu'), '').trim();
  if (shown === '') throw unusable(hook, 'has a name that nobody can see');
  return { subject, ...(shown !== undefined && { name: shown }), claims: claimsOf(hook, claims) };
}

async function answerOf(hook: string, question: () => unknown): Promise<unknown> {
  const begun = async (): Promise<unknown> => question();
  const answer = await within(begun(), hookSeconds).catch((error: unknown) => {
    throw new LoginUnavailableError(`${hook} failed: ${describeError(error)}`);
  });
  if (answer === late) throw new LoginUnavailableError(`${hook} took too long`);
  return answer;
}

function claimsOf(hook: string, claims: unknown): Readonly<Record<string, unknown>> {
  const json = asJson(claims);
  const copy: unknown = json === undefined ? undefined : JSON.parse(json);
  if (json === undefined || typeof copy !== 'object' || copy === null || Array.isArray(copy)) {
    throw unusable(hook, 'has claims that are no JSON object');
  }
  if (Buffer.byteLength(json) > maxClaimsBytes) {
    throw unusable(hook, `has claims of more than ${maxClaimsBytes} bytes`);
  }
  const reserved = Object.keys(copy).filter((claim) => registeredClaims.includes(claim));
  if (reserved.length > 0) {
    throw unusable(hook, `has claims that only the server can say: ${reserved.join(', ')}`);
  }
  return frozenCopy(copy as Record<string, unknown>);
}

function asJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // a circle, or a bigint
  }
}

/** No control characters, no ends of lines, no half characters. */
function isPlainText(value: unknown, maxLength: number): value is string {
  return (
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= maxLength &&
    !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(value)
  );
}

function unusable(hook: string, problem: string): LoginUnavailableError {
  return new LoginUnavailableError(`the answer of ${hook} ${problem}`);
}
