import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Injectable, type OnModuleInit } from '@nestjs/common';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly notes: readonly string[];
}

interface Password {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const hashOf = promisify<string, Buffer, number, Buffer>(scrypt);
const maxFailures = 5;
const pauseMilliseconds = 60_000;

/** Stands in for your table of users. */
@Injectable()
export class UsersService implements OnModuleInit {
  readonly #users = new Map<string, User>([
    ['u1', { id: 'u1', name: 'Alice', notes: ['Feed the cat'] }],
    ['u2', { id: 'u2', name: 'Bob', notes: ['Call Alice'] }],
  ]);
  /** By the name with which users log in. */
  readonly #logins = new Map<string, { readonly userId: string; readonly password: Password }>();
  readonly #failures = new Map<string, { readonly count: number; readonly since: number }>();
  #nobody: Password | undefined;

  async onModuleInit(): Promise<void> {
    const passwords = { alice: ['u1', 'wonderland'], bob: ['u2', 'builder'] } as const;
    for (const [login, [userId, password]] of Object.entries(passwords)) {
      this.#logins.set(login, { userId, password: await newPassword(password) });
    }
    this.#nobody = await newPassword(randomBytes(16).toString('hex'));
  }

  find(id: string): User | undefined {
    return this.#users.get(id);
  }

  remove(id: string): void {
    this.#users.delete(id);
  }

  /** The user with that login and password. Guesses are slow: five, then a minute's pause. */
  async authenticate(login: string, password: string): Promise<User | undefined> {
    if (this.#isPaused(login)) return undefined;
    const known = this.#logins.get(login);
    const { salt, hash } = known?.password ?? this.#nobody ?? (await newPassword(''));
    // Done for unknown names too: the time must not tell which ones there are.
    const isRight = timingSafeEqual(await hashOf(password, salt, hash.length), hash);
    const user = known && isRight ? this.find(known.userId) : undefined;
    if (user) this.#failures.delete(login);
    else this.#countFailure(login);
    return user;
  }

  #isPaused(login: string): boolean {
    const failed = this.#failures.get(login);
    if (failed && Date.now() - failed.since >= pauseMilliseconds) this.#failures.delete(login);
    return (this.#failures.get(login)?.count ?? 0) >= maxFailures;
  }

  #countFailure(login: string): void {
    // Names that nobody has must not fill the memory.
    if (this.#failures.size >= 10_000) this.#failures.clear();
    const count = (this.#failures.get(login)?.count ?? 0) + 1;
    this.#failures.set(login, { count, since: Date.now() });
  }
}

async function newPassword(password: string): Promise<Password> {
  const salt = randomBytes(16);
  return { salt, hash: await hashOf(password, salt, 32) };
}
