import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import type { LocalLogin, LocalUser } from 'nestjs-mcp-multi-auth';
import { SessionsService } from './sessions.service.js';
import { UsersService } from './users.service.js';

/** All that the authorization server has to know of the app's users. */
@Injectable()
export class AppLogin implements LocalLogin {
  readonly page = '/login';
  /** A user who was removed is refused after a minute, and not only at the next refresh. */
  readonly recheckSeconds = 60;

  constructor(
    private readonly sessions: SessionsService,
    private readonly users: UsersService,
  ) {}

  user(request: Request): LocalUser | undefined {
    const id = this.sessions.of(request)?.userId;
    return id === undefined ? undefined : this.findUser(id);
  }

  findUser(id: string): LocalUser | undefined {
    const user = this.users.find(id);
    return user && { subject: user.id, name: user.name, claims: { name: user.name } };
  }
}
