import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { StorageError } from '../../lib/common/errors.js';
import { PostgresStore } from '../../lib/storage/postgres.store.js';
import { PostgresServer, hasPostgresServer } from '../support/postgres-server.js';
import { describeWith } from '../support/services.js';

const suite = describeWith('PostgreSQL server to start', hasPostgresServer);

suite('a PostgresStore on a server that may fail', () => {
  let server: PostgresServer;
  let store: PostgresStore;

  beforeAll(async () => {
    server = await PostgresServer.start();
    store = new PostgresStore({ url: server.url() });
  }, 120_000);

  afterAll(async () => {
    await store.close();
    await server.stop();
  }, 60_000);

  it('keeps any text, though the database knows few letters', async () => {
    for (const text of ['ключ', '鍵', '🔑', 'e\u0301', 'a\0b']) {
      expect(await store.add(text, text, 60)).toBe(true);
      expect(await store.take(text)).toBe(text);
    }
  });

  it('tells no password, be it right or wrong', async () => {
    const wrong = 'a-wrong#password';
    const refused = new PostgresStore({ url: server.url(wrong) });
    const error: unknown = await refused.get('a').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StorageError);
    expect(String(error)).toContain('password authentication failed');
    const shown = inspect([error, refused, store], { depth: 20, showHidden: true });
    for (const password of [wrong, server.password]) {
      expect(shown).not.toContain(password);
      expect(shown).not.toContain(encodeURIComponent(password));
    }
    await refused.close();
  });

  it('takes a function for the password', async () => {
    const { hostname: host, port } = new URL(server.url());
    const password = async (): Promise<string> => server.password;
    const poolOptions = { host, port: Number(port), user: 'test', database: 'postgres', password };
    const other = new PostgresStore({ poolOptions });
    await store.set('shared', '1', 60);
    expect(await other.take('shared')).toBe('1');
    await other.close();
  });

  it('throws while the server is down, and then has what was stored', async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `kept:${i}`);
    const writes = keys.map((key) => store.set(key, key, 600));
    await Promise.all(writes);
    await server.kill();
    for (const call of [
      () => store.get('kept:0'),
      () => store.take('kept:1'),
      () => store.add('new', '1', 60),
      () => store.set('kept:2', 'other', 60),
      () => store.delete('kept:3'),
    ]) {
      await expect(call()).rejects.toBeInstanceOf(StorageError);
    }
    await server.restart();
    expect(await Promise.all(keys.map((key) => store.take(key)))).toEqual(keys);
    expect(await store.add('new', '1', 60)).toBe(true);
  }, 60_000);
});
