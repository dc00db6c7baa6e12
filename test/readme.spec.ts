import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import {
  compilerOptions,
  examplesOf,
  javaScriptOf,
  problemsOf,
} from './support/markdown-examples.js';

const REPOSITORY = resolve(import.meta.dirname, '..');
const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');

const examples = examplesOf(README);
const shared = examples.filter(({ file }) => file === 'mcp.controller.ts');
const modules = examples.filter(({ file }) => file === 'app.module.ts');

// Inside the repository, where the examples find its packages; ignored by git.
const folder = join(REPOSITORY, '.data', `readme-${process.pid}`);
const files = examples.flatMap((example) =>
  [example, ...(example.file === 'app.module.ts' ? shared : [])].map(({ file, code }) => ({
    path: join(folder, String(example.line), file),
    code,
  })),
);

describe('the README', () => {
  beforeAll(async () => {
    for (const { path, code } of files) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, code);
      await writeFile(path.replace(/\.ts$/, '.mjs'), javaScriptOf(code));
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('says how to run and to test a fresh clone, in two commands', () => {
    const commands = [...README.matchAll(/^```sh\n([^`]*)```/gm)].map(([, lines]) => lines?.trim());
    expect(commands.slice(0, 2)).toEqual(['npm ci && npm start', 'npm ci && npm test']);
    const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test']));
  });

  it('has examples, and complete modules among them', () => {
    expect(shared).toHaveLength(1);
    expect(modules.length).toBeGreaterThanOrEqual(5);
    expect(examples.length).toBeGreaterThan(modules.length + shared.length);
  });

  it('links only to what is there', () => {
    const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
  });

  describe('type-checked as strictly as any user may', () => {
    let program: ts.Program;

    beforeAll(() => {
      program = ts.createProgram(
        files.map(({ path }) => path),
        compilerOptions,
      );
    }, 60_000);

    it('has examples that compile', () => {
      const found = files.flatMap(({ path }) => problemsOf(program, path));
      expect(found).toEqual([]);
    }, 60_000);

    it.each([
      ['MultiAuthOptions', 'lib/module/multi-auth-options.ts', ''],
      ['MultiAuthModuleExtras', 'lib/module/multi-auth-options.ts', ''],
      ['OAuthServerOptions', 'lib/oauth-proxy/oauth-server-options.ts', ''],
      ['OAuthProxyOptions', 'lib/oauth-proxy/oauth-proxy-options.ts', 'OAuthServerOptions'],
      ['LocalAuthProviderOptions', 'lib/oauth-proxy/local-auth-provider.ts', 'OAuthServerOptions'],
      ['LocalLogin', 'lib/oauth-proxy/local/local-login-options.ts', ''],
      ['Lifetimes', 'lib/oauth-proxy/tokens/lifetimes.ts', ''],
      ['ConfiguredClient', 'lib/oauth-proxy/configured-client.ts', ''],
      [
        'ClientIdMetadataDocumentOptions',
        'lib/oauth-proxy/clients/client-id-metadata-document-options.ts',
        '',
      ],
      ['RateLimits', 'lib/oauth-proxy/limits/rate-limit-options.ts', ''],
      ['UpstreamOptions', 'lib/oauth-proxy/upstream/upstream-options.ts', ''],
      ['OidcUpstreamOptions', 'lib/oauth-proxy/upstream/oidc.upstream.ts', 'UpstreamOptions'],
      ['OAuth2UpstreamOptions', 'lib/oauth-proxy/upstream/oauth2.upstream.ts', 'UpstreamOptions'],
      ['JwtVerifierOptions', 'lib/verifiers/jwt-verifier-options.ts', ''],
      ['IntrospectionVerifierOptions', 'lib/verifiers/introspection-verifier-options.ts', ''],
      ['RedisStoreOptions', 'lib/storage/redis-store-options.ts', ''],
      ['PostgresStoreOptions', 'lib/storage/postgres-store-options.ts', ''],
    ])('lists every option of %s, and no other', (name, file, inherited) => {
      const documented = tableAfter(name);
      const own = membersOf(program, file, name);
      const above = inherited ? tableAfter(inherited) : [];
      expect(documented).toEqual(own.filter((option) => !above.includes(option)).toSorted());
      expect(documented).not.toEqual([]);
    });
  });

  describe('booted', () => {
    const start = process.cwd();
    let elsewhere: string;

    beforeAll(async () => {
      elsewhere = await mkdtemp(join(tmpdir(), 'readme-'));
      // The common case keeps its store in the working directory.
      process.chdir(elsewhere);
      Object.assign(process.env, {
        ISSUER: 'https://login.example.com',
        CLIENT_ID: 'my-app',
        CLIENT_SECRET: 'the-client-secret-of-the-readme',
        AUTH_SECRET: randomBytes(48).toString('base64'),
      });
    });

    afterAll(async () => {
      process.chdir(start);
      await rm(elsewhere, { recursive: true, force: true });
    });

    it.each(modules.map(({ line, code }) => [line, code] as const))(
      'has a module at line %i that starts and refuses strangers',
      async (line, code) => {
        const path = join(folder, String(line), 'app.module.mjs');
        const { AppModule } = (await import(path)) as { AppModule: Type };
        const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
        try {
          await app.listen(0, '127.0.0.1');
          const origin = await app.getUrl();
          const refused = await fetch(`${origin}/mcp`, { method: 'POST' });
          expect(refused.status).toBe(401);
          expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
          const metadata = await fetch(`${origin}/.well-known/oauth-authorization-server`);
          expect(metadata.status).toBe(
            /new (?:OAuthProxy|LocalAuthProvider)\(/.test(code) ? 200 : 404,
          );
        } finally {
          await app.close();
        }
      },
    );
  });
});

function membersOf(program: ts.Program, file: string, name: string): readonly string[] {
  const source = program.getSourceFile(join(REPOSITORY, file));
  const declaration = source?.statements.find(
    (node): node is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  if (!declaration) throw new Error(`There is no interface ${name} in ${file}.`);
  const type = program.getTypeChecker().getTypeAtLocation(declaration);
  return type.getProperties().map((property) => property.name);
}

/** The first column of the first table after the name in bold. */
function tableAfter(name: string): readonly string[] {
  const from = README.indexOf(`**\`${name}\`**`);
  if (from < 0) throw new Error(`The README has no table of ${name}.`);
  const lines = README.slice(from).split('\n');
  const head = lines.findIndex((line) => line.startsWith('| Option'));
  const rows = lines.slice(head + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows
    .slice(0, end)
    .map((row) => /^\| `(\w+)`/.exec(row)?.[1] ?? row)
    .toSorted();
}
