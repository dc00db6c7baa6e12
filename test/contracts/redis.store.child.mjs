// A process of its own with a RedisStore: `node --import ts-loader.mjs redis.store.child.mjs <job>
// <port>`, where nothing listens at the port. It prints its result and has to end by itself.
import { register } from 'node:module';

const [job, deadPort] = process.argv.slice(2);

if (job === 'without ioredis') {
  const hook = `export async function resolve(specifier, context, next) {
    if (specifier !== 'ioredis') return next(specifier, context);
    throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

const { RedisStore } = await import('../../lib/storage/redis.store.ts');
const dead = { host: '127.0.0.1', port: Number(deadPort) };
const options = {
  'without Redis': { options: dead },
  'with a cluster that is away': { cluster: { nodes: [dead] } },
}[job] ?? { url: 'redis://127.0.0.1:6379' };
const store = new RedisStore({ ...options, timeoutSeconds: job === 'used' ? 10 : 0.5 });

async function run() {
  if (job === 'without ioredis') {
    const error = await store.check().catch((thrown) => thrown);
    return [error.name, error.code, error.message];
  }
  if (job === 'used') await store.get('a');
  else if (job !== 'unused') await store.get('a').then(process.abort, () => {});
  await store.close();
  return 'closed';
}

process.stdout.write(JSON.stringify(await run()));
