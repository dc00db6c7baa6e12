import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Pool } from 'pg';
import { StorageError } from '../../lib/common/errors.js';
import type { PostgresStoreOptions } from '../../lib/storage/postgres-store-options.js';
import { PostgresStore } from '../../lib/storage/postgres.store.js';
import { PostgresSchema } from '../support/postgres-schema.js';
import { POSTGRES_URL, describeWithPostgres } from '../support/services.js';
import { TcpRelay } from '../support/tcp-relay.js';

const operations: readonly [string, (store: PostgresStore) => Promise<unknown>][] = [
  ['get', (store) => store.get('a')],
  ['set', (store) => store.set('a', '2', 60)],
  ['add', (store) => store.add('a', '2', 60)],
  ['take', (store) => store.take('a')],
  ['delete', (store) => store.delete('a')],
];
const writes = operations.slice(1);

describeWithPostgres('a PostgresStore', () => {
  const stores: PostgresStore[] = [];
  let schema: PostgresSchema;
  let table = '';
  let store: PostgresStore;
  let tables = 0;

  const open = (options: PostgresStoreOptions = { url: POSTGRES_URL }): PostgresStore => {
    const opened = new PostgresStore({ schema: schema.name, table, ...options });
    stores.push(opened);
    return opened;
  };
  /** Under a name by which its connections are found. */
  const named = (name: string): PostgresStoreOptions => ({
    url: POSTGRES_URL,
    poolOptions: { application_name: `${schema.name} ${name}` },
  });
  const untilWaiting = async (name: string): Promise<void> => {
    while ((await schema.waiting(`${schema.name} ${name}`)) === 0);
  };

  beforeAll(async () => {
    schema = await PostgresSchema.create();
  });

  beforeEach(async () => {
    table = `t${++tables}`;
    store = open();
    await store.set('a', '1', 60);
  });

  afterEach(async () => {
    await Promise.all(stores.splice(0).map((opened) => opened.close()));
  });

  afterAll(() => schema.drop());

  describe.each(writes)('whose connection breaks in the middle of a %s', (name, operation) => {
    it('throws, and works again', async () => {
      const broken = open(named(name));
      await broken.get('a');
      const unlock = await schema.lockWrites(table);
      const answer = operation(broken).catch((thrown: unknown) => thrown);
      await untilWaiting(name);
      expect(await schema.cut(`${schema.name} ${name}`)).toBeGreaterThan(0);
      // Whoever asked again would get an answer now.
      await unlock();
      expect(await answer).toBeInstanceOf(StorageError);
      // The database undid what it had not finished.
      expect(await broken.take('a')).toBe('1');
      expect(await broken.add('a', '3', 60)).toBe(true);
    });
  });

  describe('behind a network that fails', () => {
    let relay: TcpRelay;
    let far: PostgresStore;

    beforeEach(async () => {
      const { port } = new URL(POSTGRES_URL);
      relay = await TcpRelay.start(Number(port));
      const url = POSTGRES_URL.replace(port, String(relay.port));
      const poolOptions = { application_name: `${schema.name} far` };
      far = open({ url, poolOptions, timeoutSeconds: 1 });
      let first: unknown;
      while (first === undefined) first = await far.get('a').catch(() => undefined);
    });

    afterEach(() => relay.stop());

    it.each(writes)(
      'throws when the line is cut in a %s, and works again',
      async (_, operation) => {
        const unlock = await schema.lockWrites(table);
        const answer = operation(far).catch((thrown: unknown) => thrown);
        await untilWaiting('far');
        relay.cut();
        expect(await answer).toBeInstanceOf(StorageError);
        await unlock();
        expect(await far.add('b', '1', 60)).toBe(true);
      },
    );

    it.each(operations)(
      'throws when the line goes dead in a %s, and works again',
      async (_, operation) => {
        relay.freeze();
        const failed = operation(far);
        await expect(failed).rejects.toBeInstanceOf(StorageError);
        await expect(failed).rejects.toThrow('no answer within 1 s');
        expect(await far.add('b', '1', 60)).toBe(true);
        expect(await far.get('a')).toBe('1');
      },
    );
  });

  it('outlives connections that break while nobody uses them', async () => {
    const pool = new Pool({ connectionString: POSTGRES_URL, application_name: schema.name });
    const own = open(named('idle'));
    const lent = open({ pool });
    for (const which of [own, lent]) await Promise.all([1, 2, 3].map(() => which.get('a')));
    const removed = new Promise((resolve) => {
      pool.once('remove', resolve);
    });
    expect(await schema.cut(`${schema.name} idle`)).toBeGreaterThan(0);
    expect(await schema.cut(schema.name)).toBeGreaterThan(0);
    await removed;
    for (const which of [own, lent]) {
      // A call may still be handed one of which the bad news has not come yet.
      await which.get('a').catch((thrown: unknown) => expect(thrown).toBeInstanceOf(StorageError));
      while ((await which.get('a').catch(() => undefined)) !== '1');
    }
    await lent.close();
    await pool.end();
  });

  describe.each(writes)('that waits too long in a %s', (_, operation) => {
    it('throws, never answers late, and works again', async () => {
      const slow = open({ url: POSTGRES_URL, poolOptions: { max: 1 }, timeoutSeconds: 0.3 });
      while ((await slow.get('a').catch(() => undefined)) !== '1');
      const unlock = await schema.lockWrites(table);
      const failed = operation(slow);
      await expect(failed).rejects.toBeInstanceOf(StorageError);
      await expect(failed).rejects.toThrow('no answer within 0.3 s');
      // The only connection is not stuck: reading is not locked.
      let read: string | undefined;
      while (read === undefined) read = await slow.get('a').catch(() => undefined);
      expect(read).toBe('1');
      await unlock();
    });
  });

  it('does not begin what nobody waits for any more', async () => {
    const pool = new Pool({ connectionString: POSTGRES_URL, max: 1 });
    const slow = open({ pool, timeoutSeconds: 0.2 });
    const client = await pool.connect();
    await expect(slow.take('a')).rejects.toThrow('no answer within 0.2 s');
    client.release();
    const { rows } = await pool.query<{ one: number }>('SELECT 1 AS one');
    expect(rows).toEqual([{ one: 1 }]);
    expect(pool.totalCount).toBe(1);
    expect(await store.get('a')).toBe('1');
    await slow.close();
    await pool.end();
  });

  describe.each(operations)('asked for a %s', (_, operation) => {
    it('throws where nobody listens, and where nobody answers', async () => {
      const sockets: Socket[] = [];
      const silent = createServer((socket) => sockets.push(socket.on('error', () => {})));
      await new Promise<void>((resolve) => {
        silent.listen(0, '127.0.0.1', resolve);
      });
      const { port } = silent.address() as AddressInfo;
      const url = `postgres://app:the-password@127.0.0.1:${port}/app`;
      const hanging = open({ url, timeoutSeconds: 0.2 });
      const unanswered = await operation(hanging).catch((thrown: unknown) => thrown);
      expect(unanswered).toBeInstanceOf(StorageError);
      await hanging.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        silent.close(resolve);
      });
      const refused = await operation(open({ url })).catch((thrown: unknown) => thrown);
      expect(refused).toBeInstanceOf(StorageError);
      expect(String(refused)).toContain('ECONNREFUSED');
      expect(`${String(unanswered)}${String(refused)}`).not.toContain('the-password');
    });
  });

  it('throws where the database takes no writes, as a standby does', async () => {
    const poolOptions = { options: '-c default_transaction_read_only=on' };
    const standby = open({ url: POSTGRES_URL, poolOptions });
    for (const [, operation] of writes) {
      const failed = operation(standby);
      await expect(failed).rejects.toBeInstanceOf(StorageError);
      await expect(failed).rejects.toThrow('read-only transaction');
    }
    expect(await standby.get('a')).toBe('1');
    expect(await store.get('a')).toBe('1');
  });

  it('leaves a pool of your own open, and nothing on it', async () => {
    const pool = new Pool({ connectionString: POSTGRES_URL });
    const [one, other] = [open({ pool }), open({ pool })];
    expect(await one.get('a')).toBe('1');
    expect(await other.get('a')).toBe('1');
    expect(pool.listenerCount('error')).toBe(2);
    await one.close();
    await expect(one.get('a')).rejects.toThrow('The PostgresStore is closed.');
    expect(await other.get('a')).toBe('1');
    await other.close();
    expect(pool.listenerCount('error')).toBe(0);
    const { rows } = await pool.query('SELECT 1');
    expect(rows).toHaveLength(1);
    await pool.end();
  });

  it('throws when a pool of your own was ended', async () => {
    const pool = new Pool({ connectionString: POSTGRES_URL });
    await pool.end();
    await expect(open({ pool }).get('a')).rejects.toBeInstanceOf(StorageError);
  });

  it('finishes what is under way before it closes', async () => {
    const busy = open();
    const adds = Array.from({ length: 100 }, (_, i) => busy.add(`busy:${i}`, '1', 60));
    await busy.close();
    expect((await Promise.all(adds)).every(Boolean)).toBe(true);
    await expect(busy.take('a')).rejects.toBeInstanceOf(StorageError);
    expect(await store.get('busy:99')).toBe('1');
  });

  it('keeps nothing in a session, so that a transaction pooler may come between', async () => {
    // Every statement on a connection of its own: what one leaves behind, the next does not find.
    const pool = new Pool({ connectionString: POSTGRES_URL, maxUses: 1 });
    const pooled = open({ pool, table: 'of_its_own' });
    for (let i = 0; i < 100; i++) await pooled.add(`${i}`, '1', 60);
    expect(await pooled.take('99')).toBe('1');
    await pooled.close();
    await pool.end();
  });
});
