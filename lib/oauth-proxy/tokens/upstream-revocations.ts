import { describeError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Upstream } from '../upstream/upstream.js';

interface Revocable {
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
}

/** Ends upstream sessions that nobody here uses any more, while clients do not wait for it. */
export class UpstreamRevocations {
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly upstream: Upstream,
    private readonly events: MultiAuthEvents,
  ) {}

  begin(tokens: Revocable): void {
    const revocation = this.#revoke(tokens).finally(() => this.#running.delete(revocation));
    this.#running.add(revocation);
  }

  /** Waits for what was begun. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #revoke(tokens: Revocable): Promise<void> {
    try {
      await this.upstream.revoke(tokens);
    } catch (error) {
      const reason = `revocation: ${describeError(error)}`;
      this.events.emit('upstream.failed', { reason, kind: 'transient' });
    }
  }
}
