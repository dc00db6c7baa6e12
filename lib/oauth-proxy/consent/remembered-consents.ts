import type { Clock } from '../../common/clock.js';
import { coversScopes } from '../../common/scopes.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import { matchesRedirectUri } from '../clients/redirect-uri.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';

/** What one user once agreed to, in one browser, for one client. */
interface RememberedConsent {
  readonly subject: string;
  readonly redirectUri: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
}

type Covered = Pick<RememberedConsent, 'redirectUri' | 'resource' | 'scopes'>;

/** What a browser remembers of one client. */
export interface ClientConsents {
  readonly consents: readonly RememberedConsent[];
}

/** The clients of which a browser remembers something, the latest first. */
export interface RememberedClients {
  readonly clientIds: readonly string[];
}

const maxClients = 50;
const maxConsents = 10;

export interface RememberedConsentsDependencies {
  readonly consents: RecordCollection<ClientConsents>;
  readonly rememberedClients: RecordCollection<RememberedClients>;
  readonly clock: Clock;
  readonly lifetimeSeconds: number;
}

/**
 * The consents that count again, by browser. A consent is never widened and never renewed by being
 * used: it ends `lifetimes.rememberedConsent` after the page was answered.
 */
export class RememberedConsents {
  constructor(private readonly its: RememberedConsentsDependencies) {}

  /** Tells whether a consent covers all of the request; of that subject, where one is given. */
  async cover(browser: string, asked: AuthorizationRequest, subject?: string): Promise<boolean> {
    const consents = await this.#of(browser, asked.clientId);
    return consents.some(
      (consent) => (subject === undefined || consent.subject === subject) && covers(consent, asked),
    );
  }

  async add(browser: string, asked: AuthorizationRequest, subject: string): Promise<void> {
    const { clock, lifetimeSeconds } = this.its;
    const { clientId, redirectUri, resource, scopes } = asked;
    const expiresAt = clock.now() + lifetimeSeconds;
    const added: RememberedConsent = { subject, redirectUri, resource, scopes, expiresAt };
    const others = (await this.#of(browser, clientId)).filter((other) => !supersedes(added, other));
    const consents = [added, ...others].slice(0, maxConsents);
    await this.its.consents.set(idOf(browser, clientId), { consents }, lifetimeSeconds);
    await this.#list(browser, clientId);
  }

  /** A record a client, so that nothing written at the same time brings it back. */
  async forget(browser: string, clientId: string): Promise<void> {
    await this.its.consents.delete(idOf(browser, clientId));
  }

  async #of(browser: string, clientId: string): Promise<readonly RememberedConsent[]> {
    const now = this.its.clock.now();
    const record = await this.its.consents.get(idOf(browser, clientId));
    return (record?.consents ?? []).filter((consent) => consent.expiresAt > now);
  }

  /** Makes room: what a browser remembers is bounded. */
  async #list(browser: string, clientId: string): Promise<void> {
    const { rememberedClients, lifetimeSeconds } = this.its;
    const known = (await rememberedClients.get(browser))?.clientIds ?? [];
    const clientIds = [clientId, ...known.filter((id) => id !== clientId)];
    for (const dropped of clientIds.splice(maxClients)) await this.forget(browser, dropped);
    await rememberedClients.set(browser, { clientIds }, lifetimeSeconds);
  }
}

function idOf(browser: string, clientId: string): string {
  return JSON.stringify([browser, clientId]);
}

/** Tells whether the newer consent says everything that the older one did. */
function supersedes(newer: RememberedConsent, older: RememberedConsent): boolean {
  return newer.subject === older.subject && covers(newer, older);
}

function covers(consent: RememberedConsent, asked: Covered): boolean {
  return (
    consent.resource === asked.resource &&
    matchesRedirectUri([consent.redirectUri], asked.redirectUri) &&
    coversScopes(consent.scopes, asked.scopes)
  );
}
