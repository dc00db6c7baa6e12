import { BoundedMap } from '../../common/bounded-map.js';
import type { Clock } from '../../common/clock.js';
import {
  type ConfigurationIssue,
  LoginUnavailableError,
  UpstreamError,
} from '../../common/errors.js';
import { late, within } from '../../common/within.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Grant } from './grant.js';
import type { KnownLogin, LoginLife } from './login-life.js';
import { orUndo } from './or-undo.js';

/** When an instance began to check a login. */
export interface LoginCheck {
  readonly at: number;
}

const limits = { min: 10, max: 86_400 };
const maxRemembered = 10_000;
/** How long a request waits for the answer: less than `sourceTimeoutSeconds` is by default. */
const patienceSeconds = 4;
/** When who has no time limits of their own count as not answering. */
const checkSeconds = 30;
/** The due time of a check that came to nothing here. */
const overdue = 0;

export interface LoginRecheckDependencies {
  /** By the grant id. */
  readonly checks: RecordCollection<LoginCheck>;
  readonly life: LoginLife;
  readonly clock: Clock;
  readonly intervalSeconds: number;
}

/** What is wrong with the interval. */
export function recheckIntervalIssues(seconds: unknown, path: string): ConfigurationIssue[] {
  if (seconds === undefined) return [];
  const { min, max } = limits;
  if (Number.isInteger(seconds) && Number(seconds) >= min && Number(seconds) <= max) return [];
  return [{ path, problem: `must be whole seconds, ${min} to ${max}` }];
}

/**
 * Asks from time to time, of the upstream or of the app, whether a login that is used here goes on. One
 * check an interval, by whichever instance comes first; between checks nothing is read for it.
 */
export class LoginRecheck {
  /** When the next check of a grant is due, as far as this process knows. */
  readonly #dueAt: BoundedMap<string, number>;
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(private readonly its: LoginRecheckDependencies) {
    const { intervalSeconds: ttlSeconds, clock } = its;
    this.#dueAt = new BoundedMap({ maxEntries: maxRemembered, ttlSeconds, clock });
  }

  /**
   * Tells whether the grant may go on. Who cannot be asked, or takes long, holds nobody up: what they
   * say later counts from then on.
   */
  async admits(grantId: string, grant: Grant): Promise<boolean> {
    const dueAt = this.#dueAt.get(grantId);
    if (dueAt !== undefined && this.its.clock.now() < dueAt) return true;
    const answer = await within(this.#shared(grantId, grant), patienceSeconds);
    return answer === late || answer;
  }

  /** Waits for the checks that were begun. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  #shared(grantId: string, grant: Grant): Promise<boolean> {
    const running = this.#running.get(grantId);
    if (running) return running;
    const begun = within(this.#check(grantId, grant), checkSeconds)
      .then((answer) => answer === late || answer)
      .finally(() => this.#running.delete(grantId));
    this.#running.set(grantId, begun);
    return begun;
  }

  async #check(grantId: string, grant: Grant): Promise<boolean> {
    const { checks, life, clock, intervalSeconds } = this.its;
    const now = clock.now();
    const login = await life.known(grantId, grant);
    if (!login) return false;
    const fresh = login.at + intervalSeconds;
    if (now < fresh) return this.#wait(grantId, fresh);
    // The record of a check that failed must not stand for an answer.
    if (this.#dueAt.get(grantId) === overdue) await checks.delete(grantId);
    if (!(await checks.add(grantId, { at: now }, intervalSeconds))) {
      const last = await checks.get(grantId);
      return this.#wait(grantId, last ? last.at + intervalSeconds : now);
    }
    this.#wait(grantId, now + intervalSeconds);
    return orUndo(
      () => answered(login),
      async () => {
        // Whoever is gone must not get in because that could not be written down.
        this.#dueAt.set(grantId, overdue);
        await checks.delete(grantId);
      },
    );
  }

  #wait(grantId: string, dueAt: number): true {
    this.#dueAt.set(grantId, dueAt);
    return true;
  }
}

async function answered(login: KnownLogin): Promise<boolean> {
  try {
    return await login.goesOn();
  } catch (error) {
    // It was said in an event; the next interval asks again.
    if (error instanceof UpstreamError || error instanceof LoginUnavailableError) return true;
    throw error;
  }
}
