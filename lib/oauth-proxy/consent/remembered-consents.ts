import type { Clock } from '../../common/clock.js';
import { coversScopes } from '../../common/scopes.js';
import { hashSecret } from '../../crypto/hash.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import { matchesRedirectUri } from '../clients/redirect-uri.js';
import type { AuthorizationRequest } from '../transactions/transaction.js';

/** What one user once agreed to, in one browser, for one client. */
interface RememberedConsent {
  /** A hash: the record names nobody. */
  readonly subjectHash: string;
  readonly redirectUri: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** When the page was answered. */
  readonly agreedAt: number;
  readonly expiresAt: number;
}

type Covered = Pick<RememberedConsent, 'redirectUri' | 'resource' | 'scopes'>;

/** What a browser remembers of one client. */
export interface ClientConsents {
  readonly consents: readonly RememberedConsent[];
}

/** When a browser last forgot a client. */
export interface ForgottenConsent {
  readonly at: number;
}

/** The clients of which a browser remembers something, the latest first. */
export interface RememberedClients {
  readonly clientIds: readonly string[];
}

const maxClients = 50;
const maxConsents = 10;

export interface RememberedConsentsDependencies {
  readonly consents: RecordCollection<ClientConsents>;
  readonly forgottenConsents: RecordCollection<ForgottenConsent>;
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
    const subjectHash = subject === undefined ? undefined : hashSecret(subject);
    return consents.some(
      (consent) =>
        (subjectHash === undefined || consent.subjectHash === subjectHash) &&
        covers(consent, asked),
    );
  }

  /** Remembers it. It counts for nothing if the client was forgotten after the user agreed. */
  async add(
    browser: string,
    asked: AuthorizationRequest,
    { subject, agreedAt }: { subject: string; agreedAt: number },
  ): Promise<void> {
    const { lifetimeSeconds } = this.its;
    const { clientId, redirectUri, resource, scopes } = asked;
    const added: RememberedConsent = {
      subjectHash: hashSecret(subject),
      redirectUri,
      resource,
      scopes,
      agreedAt,
      expiresAt: agreedAt + lifetimeSeconds,
    };
    const others = (await this.#of(browser, clientId)).filter((other) => !supersedes(added, other));
    const consents = [added, ...others].slice(0, maxConsents);
    await this.its.consents.set(idOf(browser, clientId), { consents }, lifetimeSeconds);
    await this.#list(browser, clientId);
  }

  /** Forgets also what logins on their way, or a slow store, add later: it has an older answer. */
  async forget(browser: string, clientId: string): Promise<void> {
    const { consents, forgottenConsents, clock, lifetimeSeconds } = this.its;
    const id = idOf(browser, clientId);
    await forgottenConsents.set(id, { at: clock.now() }, lifetimeSeconds);
    await consents.delete(id);
  }

  async #of(browser: string, clientId: string): Promise<readonly RememberedConsent[]> {
    const now = this.its.clock.now();
    const id = idOf(browser, clientId);
    const record = await this.its.consents.get(id);
    if (!record) return [];
    // Second: whoever forgot before the record was read is heard.
    const forgottenAt = (await this.its.forgottenConsents.get(id))?.at ?? 0;
    const counts = ({ agreedAt, expiresAt }: RememberedConsent): boolean =>
      agreedAt > forgottenAt && expiresAt > now;
    return record.consents.filter(counts);
  }

  /** Makes room: what a browser remembers is bounded. */
  async #list(browser: string, clientId: string): Promise<void> {
    const { rememberedClients, lifetimeSeconds } = this.its;
    const known = (await rememberedClients.get(browser))?.clientIds ?? [];
    const clientIds = [clientId, ...known.filter((id) => id !== clientId)];
    for (const dropped of clientIds.splice(maxClients)) {
      await this.its.consents.delete(idOf(browser, dropped));
    }
    await rememberedClients.set(browser, { clientIds }, lifetimeSeconds);
  }
}

function idOf(browser: string, clientId: string): string {
  return JSON.stringify([browser, clientId]);
}

/** Tells whether the newer consent says everything that the older one did. */
function supersedes(newer: RememberedConsent, older: RememberedConsent): boolean {
  return newer.subjectHash === older.subjectHash && covers(newer, older);
}

function covers(consent: RememberedConsent, asked: Covered): boolean {
  return (
    consent.resource === asked.resource &&
    matchesRedirectUri([consent.redirectUri], asked.redirectUri) &&
    coversScopes(consent.scopes, asked.scopes)
  );
}
