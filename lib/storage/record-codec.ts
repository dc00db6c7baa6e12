import { hashSecret } from '../crypto/hash.js';
import type { Sealer } from '../crypto/sealer.js';

/** What a record is bound to beside its id. */
export interface RecordKind {
  /** Keeps the records of several modules that share a store apart. */
  readonly namespace: string;
  /** The collection's name. */
  readonly name: string;
  /** The version of the record's shape; records of other versions are absent. */
  readonly version: number;
}

/** Turns records into sealed texts that only the same kind and key opens, and back. */
export class RecordCodec<T extends object> {
  readonly #sealer: Sealer;
  readonly #kind: RecordKind;

  constructor(sealer: Sealer, kind: RecordKind) {
    this.#sealer = sealer;
    this.#kind = kind;
  }

  /** The store's key for the id. The id is hashed, so a dump of the store does not show it. */
  keyOf(id: string): string {
    return `${this.#kind.name}:${hashSecret(unambiguous(this.#kind.namespace, id))}`;
  }

  encode(key: string, record: T, expiresAt: number): string {
    const text = JSON.stringify({ v: this.#kind.version, e: expiresAt, r: record });
    return this.#sealer.seal(text, this.#associatedData(key));
  }

  /** The record; undefined when it does not open, has another version or has expired. */
  decode(key: string, sealed: string, now: number): T | undefined {
    const text = this.#sealer.open(sealed, this.#associatedData(key));
    const envelope = text === null ? undefined : parseEnvelope(text);
    if (!envelope || envelope.v !== this.#kind.version) return undefined;
    if (typeof envelope.e !== 'number' || !(envelope.e > now)) return undefined;
    return typeof envelope.r === 'object' && envelope.r !== null ? (envelope.r as T) : undefined;
  }

  #associatedData(key: string): string {
    return unambiguous(this.#kind.namespace, this.#kind.name, key);
  }
}

/** No two lists of texts give the same text: each stands behind its length. */
function unambiguous(...parts: readonly string[]): string {
  return parts.map((part) => `${part.length}:${JSON.stringify(part)}`).join('');
}

function parseEnvelope(text: string): { v?: unknown; e?: unknown; r?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
