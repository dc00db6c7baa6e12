// One process of several that share a store: `node --import ts-loader.mjs lmdb.store.child.mjs
// <folder> <job>`. It says `ready`, waits for a line, works, and prints its result.
import { once } from 'node:events';
import { register } from 'node:module';

const [folder, job] = process.argv.slice(2);

if (job === 'without-lmdb') {
  const hook = `export async function resolve(specifier, context, next) {
    if (specifier !== 'lmdb') return next(specifier, context);
    throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

const { LmdbStore } = await import('../../lib/storage/lmdb.store.ts');
const store = new LmdbStore({ path: folder });

async function start() {
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
}

const jobs = {
  /** Writes until it is killed, and prints the number of each write that is done. */
  async 'write-until-killed'() {
    await start();
    for (let i = 0; ; i++) {
      await store.set(`key:${i}`, `value ${i}`, 3600);
      process.stdout.write(`${i}\n`);
    }
  },
  /** Prints the development secret. */
  async secret() {
    await start();
    return store.developmentSecret();
  },
  /** Prints what becomes of a first use. */
  async 'without-lmdb'() {
    await start();
    return store.get('a').then(
      () => 'worked',
      (error) => [error.name, error.code, error.message],
    );
  },
  /** Writes and ends without closing the store. */
  async 'leave-open'() {
    await start();
    for (let i = 0; i < 100; i++) await store.set(`key:${i}`, 'value', 60);
    return 'written';
  },
};

const result = await jobs[job]();
if (job !== 'leave-open') await store.close();
process.stdin.destroy();
process.stdout.write(`${JSON.stringify(result)}\n`);
