import { describeError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import type { Grant } from '../tokens/grant.js';
import type { Grants } from '../tokens/grants.js';
import type { KnownLogin, LiveLogin, LoginLife } from '../tokens/login-life.js';
import type { LocalUsers } from './local-users.js';

export interface LocalLifeDependencies {
  readonly users: LocalUsers;
  readonly grants: Grants;
  readonly events: MultiAuthEvents;
}

/** A grant lives as long as the app knows its user. */
export class LocalLife implements LoginLife {
  constructor(private readonly its: LocalLifeDependencies) {}

  async refreshed(grantId: string, { subject, clientId }: Grant): Promise<LiveLogin | undefined> {
    const { users, grants } = this.its;
    if (!users.canBeFound) return {};
    const user = await users.find(subject);
    if (user) return { claims: user.claims };
    await grants.revoke(grantId, clientId, 'user_gone');
    return undefined;
  }

  async known(grantId: string, grant: Grant): Promise<KnownLogin> {
    return { at: grant.issuedAt, goesOn: () => this.#goesOn(grantId, grant) };
  }

  async #goesOn(grantId: string, grant: Grant): Promise<boolean> {
    try {
      return (await this.refreshed(grantId, grant)) !== undefined;
    } catch (error) {
      // Nobody waits for the answer who could be told.
      const reason = describeError(error);
      this.its.events.emit('endpoint.failed', { endpoint: 'login.findUser', reason });
      throw error;
    }
  }
}
