import type { RecordCollection } from '../../storage/record-collection.js';

/** That the place is taken, and by which grant. */
export interface GrantSlot {
  readonly grantId: string;
}

/** A place that holds, or is to hold, a grant. */
export interface TakenSlot extends GrantSlot {
  readonly slot: number;
}

/** How many grants of one subject there can be at once. */
export const slotsPerSubject = 100;

/**
 * The grants of each subject, in numbered places that are taken by `add` alone: so that no two
 * instances overwrite each other's. A place may outlive its grant.
 */
export class GrantIndex {
  constructor(private readonly slots: RecordCollection<GrantSlot>) {}

  /** Takes a free place; undefined when there is none. */
  async claim(subject: string, grantId: string, seconds: number): Promise<number | undefined> {
    const home = homeOf(grantId);
    const add = (slot: number): Promise<boolean> =>
      this.slots.add(keyOf(subject, slot), { grantId }, seconds);
    if (await add(home)) return home;
    const taken = new Set((await this.list(subject)).map(({ slot }) => slot));
    for (let step = 1; step < slotsPerSubject; step++) {
      const slot = (home + step) % slotsPerSubject;
      if (!taken.has(slot) && (await add(slot))) return slot;
    }
    return undefined;
  }

  /** Gives the place to this grant, or more time there; false when another grant has it by now. */
  async put(subject: string, { slot, grantId }: TakenSlot, seconds: number): Promise<boolean> {
    const key = keyOf(subject, slot);
    const holder = await this.slots.get(key);
    if (!holder) return this.slots.add(key, { grantId }, seconds);
    if (holder.grantId !== grantId) return false;
    await this.slots.set(key, { grantId }, seconds);
    return true;
  }

  /** Frees the place, unless another grant has it by now. */
  async release(subject: string, { slot, grantId }: TakenSlot): Promise<void> {
    const key = keyOf(subject, slot);
    if ((await this.slots.get(key))?.grantId === grantId) await this.slots.delete(key);
  }

  /** Every place that is taken. */
  async list(subject: string): Promise<readonly TakenSlot[]> {
    const all = Array.from({ length: slotsPerSubject }, async (_, slot) => {
      const found = await this.slots.get(keyOf(subject, slot));
      return found ? [{ slot, grantId: found.grantId }] : [];
    });
    return (await Promise.all(all)).flat();
  }
}

/** Where to begin: ids are random, so that mostly the first place asked for is free. */
function homeOf(grantId: string): number {
  return Buffer.from(grantId, 'base64url').readUInt16BE() % slotsPerSubject;
}

function keyOf(subject: string, slot: number): string {
  return `${slot} ${subject}`;
}
