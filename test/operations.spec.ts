import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import ts from 'typescript';
import { MemoryStore, MultiAuthModule } from '../lib/index.js';
import { FakeVerifier } from './support/fake-sources.js';
import {
  compilerOptions,
  examplesOf,
  javaScriptOf,
  problemsOf,
} from './support/markdown-examples.js';
import { StoreSpy } from './support/store-spy.js';
import { baseUrl, unreachedProxy } from './e2e/module/support.js';

const REPOSITORY = resolve(import.meta.dirname, '..');
// Inside the repository, where the example finds its packages; ignored by git.
const folder = join(REPOSITORY, '.data', `operations-${process.pid}`);
const path = join(folder, 'health.controller.ts');

describe('the health controller of docs/operations.md', () => {
  const store = new StoreSpy(new MemoryStore());
  let app: INestApplication;

  beforeAll(async () => {
    const examples = examplesOf(readFileSync(join(REPOSITORY, 'docs/operations.md'), 'utf8'));
    const [code = ''] = examples
      .filter(({ file }) => file === 'health.controller.ts')
      .map((e) => e.code);
    await mkdir(folder, { recursive: true });
    await writeFile(path, code);
    await writeFile(path.replace(/\.ts$/, '.mjs'), javaScriptOf(code));
    const { HealthController } = (await import(path.replace(/\.ts$/, '.mjs'))) as {
      HealthController: Type;
    };

    @Module({
      imports: [
        TerminusModule.forRoot({ logger: false }),
        MultiAuthModule.forRoot({
          baseUrl,
          server: unreachedProxy({ storage: store, storageTimeoutSeconds: 0.05 }),
          verifiers: [new FakeVerifier({ name: 'broken', broken: true })],
        }),
      ],
      controllers: [HealthController],
    })
    class AppModule {}
    app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
  });

  afterAll(async () => {
    await app?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = async (what: string): Promise<[number, string]> => {
    const answer = await fetch(`${await app.getUrl()}/health/${what}`);
    const { status } = (await answer.json()) as { status: string };
    return [answer.status, status];
  };

  it('compiles, as strictly as any user may', () => {
    expect(problemsOf(ts.createProgram([path], compilerOptions), path)).toEqual([]);
  }, 60_000);

  it('is ready while the store answers, and alive all the time', async () => {
    expect(await ask('ready')).toEqual([200, 'ok']);
    const held = store.hold('add', 'probe:');
    expect(await ask('ready')).toEqual([503, 'error']);
    expect(await ask('live')).toEqual([200, 'ok']);
    held.release();
    expect(await ask('ready')).toEqual([200, 'ok']);
  });
});
