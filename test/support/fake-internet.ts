import { Resolver } from 'node:dns/promises';
import { Socket } from 'node:net';

/** A connection that was begun, whatever became of it. */
export interface Attempt {
  readonly host: string;
  readonly port: number;
}

/**
 * Answers name lookups from a table, and notes every connection that is begun. Nothing leaves the
 * machine: what is not loopback fails, as in all tests.
 */
export class FakeInternet {
  readonly attempts: Attempt[] = [];
  readonly lookups: string[] = [];
  readonly #names = new Map<string, readonly string[]>();
  readonly #restore: (() => void)[] = [];

  static install(): FakeInternet {
    const internet = new FakeInternet();
    internet.#replace(Resolver.prototype, 'resolve4', (name: string) => internet.#find(name, '.'));
    internet.#replace(Resolver.prototype, 'resolve6', (name: string) => internet.#find(name, ':'));
    const connect = Reflect.get(Socket.prototype, 'connect') as (...args: unknown[]) => unknown;
    internet.#replace(Socket.prototype, 'connect', function (this: Socket, ...args: unknown[]) {
      internet.#note(args);
      return connect.apply(this, args);
    });
    return internet;
  }

  uninstall(): void {
    for (const restore of this.#restore.splice(0)) restore();
  }

  name(name: string, ...addresses: readonly string[]): void {
    this.#names.set(name, addresses);
  }

  /** The connections to a port. */
  attemptsTo(port: number): readonly Attempt[] {
    return this.attempts.filter((attempt) => attempt.port === port);
  }

  #find(name: string, mark: string): Promise<readonly string[]> {
    this.lookups.push(name);
    const found = (this.#names.get(name) ?? []).filter((a) => a.includes(mark));
    if (found.length > 0) return Promise.resolve(found);
    return Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));
  }

  #note(args: readonly unknown[]): void {
    const first: unknown = Array.isArray(args[0]) ? args[0][0] : args[0];
    const { host, port } = Object(first) as { host?: unknown; port?: unknown };
    this.attempts.push({ host: String(host), port: Number(port) });
  }

  #replace(owner: object, name: string, value: unknown): void {
    const original = Reflect.get(owner, name) as unknown;
    Reflect.set(owner, name, value);
    this.#restore.push(() => void Reflect.set(owner, name, original));
  }
}
