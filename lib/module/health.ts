import type { Clock } from '../common/clock.js';
import { describeError } from '../common/errors.js';
import type { MultiAuthEvents } from '../common/events.js';
import type { AuthProvider } from '../verifiers/auth-provider.js';

/** How one part of the module is. */
export interface PartHealth {
  readonly status: 'up' | 'down';
  /** Why it is down: for the operator's log and nobody else, as it may name hosts. */
  readonly reason?: string;
}

/** What `MultiAuthService.health` says. */
export interface MultiAuthHealth {
  /**
   * `down`: the server cannot work, and what it issued cannot be judged. `degraded`: a source had no
   * verdict on a token lately; the others go on.
   */
  readonly status: 'up' | 'degraded' | 'down';
  /** The module's server, asked now: an `OAuthProxy` writes to its store. Absent when it cannot be asked. */
  readonly server?: PartHealth;
  /** The sources by name: `down` when the last verdict, in the last minute, was none. Not asked. */
  readonly sources: Readonly<Record<string, PartHealth>>;
}

const recentSeconds = 60;
const maxReasonLength = 300;

/** Knows how the parts of one module are. */
export class Health {
  readonly #failures = new Map<string, { readonly reason: string; readonly at: number }>();
  #asking: Promise<PartHealth> | undefined;

  constructor(
    private readonly its: {
      readonly provider: AuthProvider | undefined;
      readonly sourceNames: readonly string[];
      readonly events: MultiAuthEvents;
      readonly clock: Clock;
    },
  ) {
    const { events, clock } = its;
    events.on('source.failed', ({ source, reason }) => {
      this.#failures.set(source, { reason, at: clock.now() });
    });
    events.on('token.accepted', ({ source }) => this.#failures.delete(source));
    events.on('token.rejected', ({ reasons }) => {
      for (const { source } of reasons) this.#failures.delete(source);
    });
  }

  /** Never fails, and asks no more than one question at a time, however many want to know. */
  async report(): Promise<MultiAuthHealth> {
    const server = await this.#server();
    const sources = Object.fromEntries(this.its.sourceNames.map((name) => [name, this.#of(name)]));
    const isDegraded = Object.values(sources).some(({ status }) => status === 'down');
    const status = server?.status === 'down' ? 'down' : isDegraded ? 'degraded' : 'up';
    return { status, ...(server && { server }), sources };
  }

  async #server(): Promise<PartHealth | undefined> {
    const { provider } = this.its;
    if (!provider?.checkHealth) return undefined;
    this.#asking ??= ask(provider).finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  #of(source: string): PartHealth {
    const failure = this.#failures.get(source);
    if (!failure || this.its.clock.now() - failure.at > recentSeconds) return { status: 'up' };
    return { status: 'down', reason: failure.reason };
  }
}

async function ask(provider: AuthProvider): Promise<PartHealth> {
  try {
    await provider.checkHealth?.();
    return { status: 'up' };
  } catch (error) {
    return { status: 'down', reason: describeError(error).slice(0, maxReasonLength) };
  }
}
