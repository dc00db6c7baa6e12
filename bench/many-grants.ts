/**
 * What many clients and grants cost: the memory of an app while it is filled over HTTP, and how its
 * guarded request compares with that of an app beside it that has few. Nothing leaves loopback.
 *
 * Run: npm run bench:grants [-- <grants> [lmdb | redis | postgres]]
 */
import { benchStores } from './bench-stores.js';
import { InstantIdp } from './instant-idp.js';
import { SeededApp } from './seeded-app.js';

const [wanted = '50000', kind = 'lmdb'] = process.argv.slice(2);
const grants = Number(wanted);
const few = 100;
const rounds = 25;
const requestsPerRound = 400;
const concurrency = 10;

async function main(): Promise<void> {
  const open = benchStores[kind];
  if (!open) throw new Error(`No such store: ${kind}`);
  const idp = await InstantIdp.start();
  const stores = [await open(), await open()] as const;
  try {
    const small = await SeededApp.start(idp, stores[0].settings);
    const large = await SeededApp.start(idp, stores[1].settings);
    await small.register(few / 5);
    await small.login(few);
    await fill(large);
    await compare('all tokens in turn', small, large, large.accessTokens);
    await compare('a hundred users at work', small, large, sample(large.accessTokens, few));
    await small.stop();
    await large.stop();
  } finally {
    idp.stop();
    for (const store of stores) await store.remove();
  }
}

async function fill(app: SeededApp): Promise<void> {
  await report(app);
  await app.register(grants / 5);
  await report(app);
  for (const part of [0.02, 0.25, 0.5, 0.75, 1]) {
    await app.login(grants * part);
    await report(app);
  }
}

async function report({ app, clients, accessTokens }: SeededApp): Promise<void> {
  const { heap, own } = await app.memory();
  const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`.padStart(7);
  const filled = `${clients.length} clients, ${accessTokens.length} grants`.padEnd(28);
  console.log(`${filled} heap ${megabytes(heap)}, resident of its own ${megabytes(own)}`);
}

/**
 * Rounds of the same number of requests to each, turn by turn. What counts is the time that the app
 * computes: the time that passes says more about the machine, and is reported beside it.
 */
async function compare(
  title: string,
  small: SeededApp,
  large: SeededApp,
  tokens: readonly string[],
): Promise<void> {
  const contenders = [
    { app: small, tokens: small.accessTokens, computed: [], passed: [] },
    { app: large, tokens, computed: [], passed: [] },
  ] as const satisfies readonly Contender[];
  for (let round = 0; round <= rounds; round++) {
    for (const contender of round % 2 ? contenders : contenders.toReversed()) {
      await measure(contender, round);
    }
  }
  const ratios = (['computed', 'passed'] as const).map((kind) => {
    const [base, many] = contenders.map((contender: Contender) => median(contender[kind]));
    return ((many ?? 0) / (base ?? 1)).toFixed(3);
  });
  const base = (median(contenders[0].computed) / requestsPerRound).toFixed(0);
  console.log(`${title}: ${ratios[0]} x the request with ${few} grants, which takes ${base} us`);
  console.log(`  (time that passed: ${ratios[1]} x)`);
}

interface Contender {
  readonly app: SeededApp;
  readonly tokens: readonly string[];
  /** Microseconds a round. */
  readonly computed: number[];
  readonly passed: number[];
}

async function measure(contender: Contender, round: number): Promise<void> {
  const { app, tokens, computed, passed } = contender;
  let next = round * requestsPerRound;
  const end = next + requestsPerRound;
  const before = await app.app.computed();
  const begun = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      // Far apart from each other, so that no two requests in a row have a page in common.
      while (next < end) await app.use(tokens[(next++ * 7919) % tokens.length] ?? '');
    }),
  );
  // The first round warms up.
  if (round === 0) return;
  passed.push(Number(process.hrtime.bigint() - begun) / 1000);
  computed.push((await app.app.computed()) - before);
}

function sample(tokens: readonly string[], count: number): readonly string[] {
  return tokens.filter((_, i) => i % Math.floor(tokens.length / count) === 0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

await main();
