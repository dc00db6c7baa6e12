import type { KeyValueStore } from 'nestjs-mcp-multi-auth';
import type { ProviderAdapter } from 'oidc-provider';

type Payload = Record<string, unknown>;

const monthSeconds = 30 * 86_400;

/** The records of one kind of oidc-provider, kept so that a restart logs nobody out. */
export class IdentityProviderRecords implements ProviderAdapter {
  readonly #store: KeyValueStore;
  readonly #kind: string;

  constructor(store: KeyValueStore, kind: string) {
    this.#store = store;
    this.#kind = kind;
  }

  async upsert(id: string, payload: Payload, expiresIn = monthSeconds): Promise<void> {
    const ttl = Math.max(1, expiresIn);
    await this.#store.set(this.#key(id), JSON.stringify(payload), ttl);
    if (typeof payload['uid'] === 'string') {
      await this.#store.set(this.#key(`uid:${payload['uid']}`), id, ttl);
    }
    if (typeof payload['grantId'] === 'string') await this.#addToGrant(payload['grantId'], id);
  }

  async find(id: string): Promise<Payload | undefined> {
    const record = await this.#store.get(this.#key(id));
    return record === undefined ? undefined : (JSON.parse(record) as Payload);
  }

  async findByUid(uid: string): Promise<Payload | undefined> {
    const id = await this.#store.get(this.#key(`uid:${uid}`));
    return id === undefined ? undefined : this.find(id);
  }

  /** Device codes, which the sample does not have. */
  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async consume(id: string): Promise<void> {
    const payload = await this.find(id);
    const now = Math.floor(Date.now() / 1000);
    if (payload) await this.upsert(id, { ...payload, consumed: now }, Number(payload['exp']) - now);
  }

  async destroy(id: string): Promise<void> {
    await this.#store.delete(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    const ids = await this.#idsOfGrant(grantId);
    await Promise.all(ids.map((id) => this.destroy(id)));
    await this.#store.delete(this.#key(`grant:${grantId}`));
  }

  async #addToGrant(grantId: string, id: string): Promise<void> {
    const ids = new Set([...(await this.#idsOfGrant(grantId)), id]);
    await this.#store.set(this.#key(`grant:${grantId}`), JSON.stringify([...ids]), monthSeconds);
  }

  async #idsOfGrant(grantId: string): Promise<readonly string[]> {
    return JSON.parse((await this.#store.get(this.#key(`grant:${grantId}`))) ?? '[]') as string[];
  }

  #key(id: string): string {
    return `${this.#kind}:${id}`;
  }
}
