import { setTimeout as delay } from 'node:timers/promises';
import { StorageError } from '../../common/errors.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { UpstreamSession } from './upstream-session.js';

const retriesMilliseconds = [50, 250, 1000];

/**
 * The stored sessions. Each refresh is committed by one atomic `add` of the next generation, whole:
 * whoever comes second, however late, finds it taken and cannot overwrite what is newer. The record
 * that is read first, the head, merely spares most readers the walk, and may be a step behind.
 */
export class UpstreamSessionRecords {
  constructor(
    /** By the grant id: the head. */
    private readonly heads: RecordCollection<UpstreamSession>,
    /** By the grant id and a generation. */
    private readonly successors: RecordCollection<UpstreamSession>,
  ) {}

  /** Stores a session, or gives it more time; a newer one is left as it is. */
  async save(grantId: string, session: UpstreamSession, ttlSeconds: number): Promise<void> {
    const head = await this.head(grantId);
    if (head && head.generation > session.generation) return;
    await this.heads.set(grantId, session, ttlSeconds);
  }

  head(grantId: string): Promise<UpstreamSession | undefined> {
    return this.heads.get(grantId);
  }

  /** The newest session there is, from one that is known on. */
  async newestFrom(grantId: string, known: UpstreamSession): Promise<UpstreamSession> {
    let newest = known;
    for (;;) {
      const next = await this.successors.get(idOf(grantId, newest.generation + 1));
      if (!next) return newest;
      newest = next;
    }
  }

  async newest(grantId: string): Promise<UpstreamSession | undefined> {
    const head = await this.head(grantId);
    return head && this.newestFrom(grantId, head);
  }

  /**
   * Makes the session the newest of its grant; tells whether no other was first. It is tried again
   * when the store fails: the upstream has spent the old refresh token, and the new one is only here.
   */
  async commit(grantId: string, session: UpstreamSession, ttlSeconds: number): Promise<boolean> {
    const id = idOf(grantId, session.generation);
    for (const wait of retriesMilliseconds) {
      try {
        return await this.successors.add(id, session, ttlSeconds);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        await delay(wait);
      }
    }
    return this.successors.add(id, session, ttlSeconds);
  }

  /**
   * Brings the head up to a committed session, and forgets the step that led to the one before.
   * `isTimely` is asked at the last moment: whoever slept until others went on leaves it to them.
   */
  async promote(
    grantId: string,
    session: UpstreamSession,
    ttlSeconds: number,
    isTimely: () => boolean,
  ): Promise<void> {
    const head = await this.head(grantId);
    if (!head || head.generation >= session.generation || !isTimely()) return;
    await this.heads.set(grantId, session, ttlSeconds);
    await this.successors.delete(idOf(grantId, session.generation - 1));
  }

  /**
   * Removes all there is of the grant and answers with the newest session, to one caller alone. With
   * the head in hand a store that fails costs what comes after it: what is held has no other holder.
   */
  async take(grantId: string): Promise<UpstreamSession | undefined> {
    const head = await this.heads.take(grantId);
    if (!head) return undefined;
    await unlessDown(this.successors.delete(idOf(grantId, head.generation)));
    let newest = head;
    for (;;) {
      const next = await unlessDown(this.takeCommitted(grantId, newest.generation + 1));
      if (!next) return newest;
      newest = next;
    }
  }

  /** Removes one generation that was committed, for when there is no head to find it by. */
  takeCommitted(grantId: string, generation: number): Promise<UpstreamSession | undefined> {
    return this.successors.take(idOf(grantId, generation));
  }
}

/** Undefined when the store did not answer. */
async function unlessDown<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return undefined;
  }
}

function idOf(grantId: string, generation: number): string {
  return `${grantId}:${generation}`;
}
