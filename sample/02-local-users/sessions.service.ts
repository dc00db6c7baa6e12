import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';

export interface Session {
  readonly id: string;
  /** Goes into the login form, and comes back with it. */
  readonly csrf: string;
  /** Absent until the user has logged in. */
  readonly userId?: string;
}

const cookieName = 'notes-session';
const maxSessions = 10_000;
const lifetimeMilliseconds = 8 * 3_600_000;

/** Stands in for express-session: sessions in memory, under a random cookie. */
@Injectable()
export class SessionsService {
  readonly #sessions = new Map<string, Session & { readonly expiresAt: number }>();

  of({ headers }: Request): Session | undefined {
    const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
    const [, id = ''] = pairs.find(([name]) => name === cookieName) ?? [];
    const session = this.#sessions.get(id);
    return session && session.expiresAt > Date.now() ? session : undefined;
  }

  /** A new session, in place of the one that the browser has: an id from before a login is worth nothing after. */
  begin(request: Request, response: Response, userId?: string): Session {
    this.#sessions.delete(this.of(request)?.id ?? '');
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size >= maxSessions) this.#sessions.delete(oldest);
    const [id, csrf] = [secret(), secret()];
    const session = { id, csrf, ...(userId !== undefined && { userId }) };
    this.#sessions.set(id, { ...session, expiresAt: Date.now() + lifetimeMilliseconds });
    const secure = request.protocol === 'https';
    response.cookie(cookieName, id, { httpOnly: true, sameSite: 'lax', secure });
    return session;
  }
}

function secret(): string {
  return randomBytes(32).toString('base64url');
}
