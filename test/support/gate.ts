/** Calls that are kept waiting at one point until a test lets them go on. */
export class Gate {
  readonly #onRelease: () => void;
  readonly #waiting: (() => void)[] = [];
  readonly #watchers: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease;
  }

  /** Waits here until the release. */
  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      for (const { count, resolve: reached } of this.#watchers) {
        if (this.#waiting.length >= count) reached();
      }
    });
  }

  /** Resolves once so many calls wait. */
  arrived(count: number): Promise<void> {
    if (this.#waiting.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#watchers.push({ count, resolve });
    });
  }

  /** Lets all waiting calls go on; later ones are not held. */
  release(): void {
    this.#onRelease();
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** What a test holds in its hand: `pass` is for the one who is kept waiting. */
export type Held = Pick<Gate, 'arrived' | 'release'>;
