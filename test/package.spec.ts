import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const REPOSITORY = resolve(import.meta.dirname, '..');
const PACKAGE = 'nestjs-mcp-multi-auth';
const TOKEN = 'token-of-the-test-000';
const MINUTE = 60_000;

/** What a Nest app has anyway, and nothing of what only this repository has. */
const HOST_PACKAGES = [
  '@nestjs/common@12',
  '@nestjs/core@12',
  '@nestjs/platform-express@12',
  'reflect-metadata@0.2',
  'rxjs@7',
  'passport@0.7',
  '@types/node@20',
];

const APP = `
class McpController {
  handle() {
    return { ok: true };
  }
}
const descriptor = Object.getOwnPropertyDescriptor(McpController.prototype, 'handle');
Get()(McpController.prototype, 'handle', descriptor);
McpAuth()(McpController);
Controller('mcp')(McpController);

class AppModule {}
Module({
  imports: [
    MultiAuthModule.forRoot({
      verifiers: [
        new StaticTokenVerifier({ tokens: { '${TOKEN}': { clientId: 'c', scopes: [] } } }),
      ],
    }),
  ],
  controllers: [McpController],
})(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()) + '/mcp';
  const good = await fetch(url, { headers: { authorization: 'Bearer ${TOKEN}' } });
  const bare = await fetch(url);
  const answer = {
    good: good.status,
    body: await good.json(),
    bare: bare.status,
    challenge: bare.headers.get('www-authenticate'),
  };
  await app.close();
  process.stdout.write(JSON.stringify(answer));
}
main();
`;

const ESM_APP = `
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { McpAuth, MultiAuthModule, StaticTokenVerifier } from '${PACKAGE}';
${APP}`;

const COMMONJS_APP = `
require('reflect-metadata');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { McpAuth, MultiAuthModule, StaticTokenVerifier } = require('${PACKAGE}');
${APP}`;

const STORES = `
async function main() {
  const redis = await new RedisStore({ url: 'redis://127.0.0.1:6379' }).check().then(
    () => 'worked',
    (error) => error.message,
  );
  const cases = keyValueStoreContract({ createStore: () => new MemoryStore() });
  await cases[0].run();
  process.stdout.write(JSON.stringify({ redis, contract: cases[0].name }));
}
main();
`;

const ESM_STORES = `
import { MemoryStore } from '${PACKAGE}';
import { RedisStore } from '${PACKAGE}/redis';
import { keyValueStoreContract } from '${PACKAGE}/testing';
${STORES}`;

const COMMONJS_STORES = `
const { MemoryStore } = require('${PACKAGE}');
const { RedisStore } = require('${PACKAGE}/redis');
const { keyValueStoreContract } = require('${PACKAGE}/testing');
${STORES}`;

const TYPED_CONSUMER = `
import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { MultiAuthModule, StaticTokenVerifier } from '${PACKAGE}';

const verifier = new StaticTokenVerifier({ tokens: { '${TOKEN}': { clientId: 'c', scopes: [] } } });
export const auth: DynamicModule = MultiAuthModule.forRoot({ verifiers: [verifier] });

// @ts-expect-error the types are there: an option that does not exist is refused
MultiAuthModule.forRoot({ verifiers: [verifier], noSuchOption: 1 });

@Module({ imports: [auth] })
export class AppModule {}
`;

const CONSUMER_TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    noEmit: true,
  },
  files: ['consumer.mts', 'consumer.cts'],
};

/** For authors of stores; run by the processes of the published package. */
const RACE = `
import { raceInProcesses } from '${PACKAGE}/testing';
const storeModule = new URL('./factory.mjs', import.meta.url);
const { keys, added } = await raceInProcesses({ storeModule, argument: process.cwd() + '/race', attempts: 400 });
process.stdout.write(JSON.stringify({ keys, won: added.reduce((a, b) => a + b) }));
`;

const RACE_FACTORY = `
import { LmdbStore } from '${PACKAGE}';
export const createStore = (path) => new LmdbStore({ path });
`;

describe('the published package', () => {
  let project: string;
  let packed: readonly string[];

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), `${PACKAGE}-`));
    await buildIfStale();
    const [report] = JSON.parse(
      await run('npm', ['pack', '--json', '--pack-destination', project], REPOSITORY),
    ) as readonly [{ filename: string; files: readonly { path: string }[] }];
    packed = report.files.map(({ path }) => path);
    await writeFile(join(project, 'package.json'), '{ "name": "consumer", "private": true }');
    await run('npm', [...INSTALL, `./${report.filename}`, ...HOST_PACKAGES], project);
  }, 3 * MINUTE);

  afterAll(() => rm(project, { recursive: true, force: true }));

  it('holds the build, the manifest and the papers, and nothing else', () => {
    const papers = packed.filter((path) => !path.startsWith('dist/')).toSorted();
    const others = papers.filter((path) => !path.startsWith('docs/'));
    expect(others).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
    expect(papers).toContain('docs/security.md');
    expect(packed).toContain('dist/index.js');
    expect(packed.filter((path) => path.startsWith('dist/') && !isBuiltFromLib(path))).toEqual([]);
  });

  it.each([
    ['ESM', 'app.mjs', ESM_APP],
    ['CommonJS', 'app.cjs', COMMONJS_APP],
  ])(
    'guards the route of an app written as %s',
    async (_kind, file, source) => {
      expect(await answerOf(file, source)).toEqual({
        good: 200,
        body: { ok: true },
        bare: 401,
        challenge: expect.stringMatching(/^Bearer\b/),
      });
    },
    MINUTE,
  );

  it(
    'compiles in a strict consumer that checks the declarations too',
    async () => {
      await writeFile(join(project, 'tsconfig.json'), JSON.stringify(CONSUMER_TSCONFIG));
      await writeFile(join(project, 'consumer.mts'), TYPED_CONSUMER);
      await writeFile(join(project, 'consumer.cts'), TYPED_CONSUMER);
      for (const compiler of ['tsc', 'tsc6']) {
        const bin = join(REPOSITORY, 'node_modules/.bin', compiler);
        expect(await run(bin, ['-p', project], project)).toBe('');
      }
    },
    3 * MINUTE,
  );

  it('keeps packages that may be missing out of the declarations', () => {
    const declarations = packed.filter((path) => path.endsWith('.d.ts'));
    const read = (path: string): string =>
      readFileSync(join(project, 'node_modules', PACKAGE, path), 'utf8');
    expect(declarations).toContain('dist/index.d.ts');
    expect(declarations).toContain('dist/postgres.d.ts');
    expect(
      declarations.filter((path) => /(?:from |import\()['"](?:lmdb|pg)['"]/.test(read(path))),
    ).toEqual([]);
  });

  it.each([
    ['ESM', 'store.mjs', `import { PostgresStore } from '${PACKAGE}/postgres';`],
    ['CommonJS', 'store.cjs', `const { PostgresStore } = require('${PACKAGE}/postgres');`],
  ])(
    'tells who uses PostgresStore in %s without pg what to install',
    async (_kind, file, source) => {
      const use = `new PostgresStore({ url: 'postgres://127.0.0.1/app' }).get('a').catch((error) =>
        process.stdout.write(JSON.stringify({ code: error.code, message: error.message })));`;
      expect(await answerOf(file, `${source}\n${use}`)).toEqual({
        code: 'ERR_MULTI_AUTH_CONFIGURATION',
        message: expect.stringContaining('npm install pg'),
      });
    },
    MINUTE,
  );

  it.each([
    ['ESM', 'stores.mjs', ESM_STORES],
    ['CommonJS', 'stores.cjs', COMMONJS_STORES],
  ])(
    'has the other entry points for %s, which name the package that is missing',
    async (_kind, file, source) => {
      expect(existsSync(join(project, 'node_modules/ioredis'))).toBe(false);
      expect(await answerOf(file, source)).toEqual({
        redis: expect.stringContaining('npm install ioredis'),
        contract: 'has nothing at first',
      });
    },
    MINUTE,
  );

  it(
    'lets processes race for the entries of a store',
    async () => {
      await writeFile(join(project, 'factory.mjs'), RACE_FACTORY);
      expect(await answerOf('race.mjs', RACE)).toEqual({ keys: 100, won: 100 });
    },
    MINUTE,
  );

  it(
    'works where the optional packages could not be installed',
    async () => {
      await rm(join(project, 'node_modules/lmdb'), { recursive: true, force: true });
      expect(await answerOf('app.mjs', ESM_APP)).toMatchObject({ good: 200, bare: 401 });
    },
    MINUTE,
  );

  async function answerOf(file: string, source: string): Promise<unknown> {
    await writeFile(join(project, file), source);
    return JSON.parse(await run(process.execPath, [file], project)) as unknown;
  }
});

const INSTALL = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];

/** Runs a program and answers its output; what it complains of is in the message when it fails. */
async function run(program: string, args: readonly string[], folder: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { cwd: folder });
    return stdout;
  } catch (failure) {
    const { stdout, stderr } = failure as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: failure });
  }
}

async function buildIfStale(): Promise<void> {
  const dist = join(REPOSITORY, 'dist');
  const built = join(dist, 'index.js');
  if (existsSync(built) && newest(join(REPOSITORY, 'lib')) < statSync(built).mtimeMs) return;
  // What is left of a file that is gone would be published too.
  await rm(dist, { recursive: true, force: true });
  await run('npm', ['run', 'build'], REPOSITORY);
}

function newest(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

function isBuiltFromLib(path: string): boolean {
  const stem = /^dist\/(.+?)\.(?:js|d\.ts)(?:\.map)?$/.exec(path)?.[1];
  return (
    stem !== undefined &&
    !stem.endsWith('.spec') &&
    existsSync(join(REPOSITORY, 'lib', `${stem}.ts`))
  );
}
