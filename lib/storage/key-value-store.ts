/**
 * Where the library keeps its records: text under text keys, each with a time to live.
 *
 * `add` and `take` must be atomic across every process that uses the store: of any number of
 * simultaneous callers exactly one gets `true` or the value. The library's single-use credentials
 * rest on it, so a store that cannot do this must not be used. An expired entry is absent.
 *
 * Keys have 1 to 200 bytes in UTF-8, values any length; both are well-formed Unicode.
 *
 * A store that cannot answer throws; it never answers as if the entry were absent. A key or a time
 * to live outside these bounds is a `StorageError`.
 */
export abstract class KeyValueStore {
  /** The value under the key, or undefined when there is none. */
  abstract get(key: string): Promise<string | undefined>;

  /** Stores the value, replacing any. `ttlSeconds` is a whole number of at least 1. */
  abstract set(key: string, value: string, ttlSeconds: number): Promise<void>;

  /** Stores the value if the key is absent; tells whether it did. Atomic. */
  abstract add(key: string, value: string, ttlSeconds: number): Promise<boolean>;

  /** Removes the entry and returns its value, or undefined when there is none. Atomic. */
  abstract take(key: string): Promise<string | undefined>;

  /** Removes the entry, if any. */
  abstract delete(key: string): Promise<void>;

  /**
   * Called once, before the store is used by a server. What it throws stops the start, so it throws
   * for what no waiting mends, such as a missing package. Answers what the operator should think
   * about, a sentence each.
   */
  check?(): Promise<readonly string[]>;

  /** Frees sockets, files and timers. May be called more than once. */
  close?(): Promise<void>;

  /**
   * A secret that lives as long as the store's data, made when first asked for. Only embedded
   * stores have one; it serves development, where no `secrets` are configured.
   */
  developmentSecret?(): Promise<string>;
}
