import { ConfigurationError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { isText } from '../../common/option-issues.js';
import type { GrantSummary, RevocationTarget } from '../../verifiers/oauth-provider.js';
import type { Grant } from './grant.js';
import type { GrantIndex } from './grant-index.js';
import type { Grants } from './grants.js';
import type { RevocationMarks } from './revocation-marks.js';

interface ListedGrant {
  readonly grantId: string;
  readonly grant: Grant;
}

/** What the app may do with the grants of its users. */
export class GrantAdministration {
  constructor(
    private readonly its: {
      readonly grants: Grants;
      readonly index: GrantIndex;
      readonly marks: RevocationMarks;
      readonly events: MultiAuthEvents;
    },
  ) {}

  async grantsOf(subject: string): Promise<readonly GrantSummary[]> {
    const listed = await this.#listed(subject);
    return listed
      .toSorted((a, b) => b.grant.issuedAt - a.grant.issuedAt)
      .map(({ grantId, grant }) => summaryOf(grantId, grant));
  }

  /** @throws ConfigurationError unless the target names a subject, a client, or both. */
  async revokeAll(target: RevocationTarget): Promise<void> {
    assertTarget(target);
    const { subject, clientId } = target;
    // First, so that a grant that is being made is either listed below or finds the mark.
    await this.its.marks.set(target);
    this.its.events.emit('grants.revoked', { ...target });
    if (subject === undefined) return;
    for (const { grantId, grant } of await this.#stored(subject)) {
      if (clientId !== undefined && grant.clientId !== clientId) continue;
      await this.its.grants.revoke(grantId, grant.clientId, 'operator');
    }
  }

  async revokeGrant(grantId: string): Promise<boolean> {
    const grant = await this.its.grants.living(grantId);
    if (!grant) {
      // Its login at the upstream may be left, if an earlier try failed.
      await this.its.grants.end(grantId);
      return false;
    }
    await this.its.grants.revoke(grantId, grant.clientId, 'operator');
    return true;
  }

  #listed(subject: string): Promise<readonly ListedGrant[]> {
    return this.#each(subject, (id) => this.its.grants.living(id));
  }

  #stored(subject: string): Promise<readonly ListedGrant[]> {
    return this.#each(subject, (id) => this.its.grants.find(id));
  }

  async #each(
    subject: string,
    find: (grantId: string) => Promise<Grant | undefined>,
  ): Promise<readonly ListedGrant[]> {
    const places = await this.its.index.list(subject);
    const found = places.map(async ({ grantId }) => {
      const grant = await find(grantId);
      return grant ? [{ grantId, grant }] : [];
    });
    return (await Promise.all(found)).flat();
  }
}

function summaryOf(grantId: string, grant: Grant): GrantSummary {
  const { clientId, clientName, scopes, resource, issuedAt, expiresAt } = grant;
  const name = clientName === undefined ? {} : { clientName };
  return { grantId, clientId, ...name, scopes, resource, issuedAt, expiresAt };
}

function assertTarget(target: RevocationTarget): void {
  const given = Object.entries(target);
  // `{ subject, clientId: client?.id }` with no client must not end what it does not name.
  const isNamed = ([name, value]: [string, unknown]): boolean =>
    ['subject', 'clientId'].includes(name) && isText(value);
  if (given.length > 0 && given.every(isNamed)) return;
  const problem = 'needs a subject, a clientId, or both, and each that is there must be a text';
  throw new ConfigurationError([{ path: 'revokeAll', problem }]);
}
