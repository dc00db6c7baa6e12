import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import * as laws from './architecture/laws.js';
import type { Law } from './architecture/laws.js';
import { parseSource, readSources } from './architecture/source-tree.js';
import type { SourceFile } from './architecture/source-tree.js';

const REPOSITORY = resolve(import.meta.dirname, '..');

/** Sources by path. */
type Plant = Readonly<Record<string, string>>;

interface LawCase {
  readonly name: string;
  readonly law: Law;
  readonly breaches: readonly Plant[];
  readonly allowed: readonly Plant[];
}

const manyLines = (count: number): string => 'let a = 1;\n'.repeat(count);
const one = (path: string, ...texts: readonly string[]): readonly Plant[] =>
  texts.map((text) => ({ [path]: text }));

const CASES: readonly LawCase[] = [
  {
    name: 'rooms import lower rooms only',
    law: laws.roomArrows,
    breaches: [
      ...one('lib/common/a.ts', "import { b } from '../crypto/b.js';"),
      ...one('lib/crypto/a.ts', "import { b } from '../http/b.js';"),
      ...one('lib/http/a.ts', "import type { B } from '../storage/b.js';"),
      ...one('lib/metadata/a.ts', "export { b } from '../verifiers/b.js';"),
      ...one('lib/resource-server/a.ts', "import { b } from '../oauth-proxy/b.js';"),
      ...one('lib/oauth-proxy/x/a.ts', "const b = await import('../../resource-server/b.js');"),
      ...one('lib/oauth-proxy/a.ts', "import { b } from '../upstreams/b.js';"),
      ...one('lib/upstreams/a.ts', "import { b } from '../resource-server/b.js';"),
      ...one('lib/verifiers/a.ts', "type B = import('../module/b.js').B;"),
      ...one('lib/module/a.ts', "import { b } from '../index.js';"),
      ...one('lib/module/a.ts', "import { b } from '../../test/support/b.js';"),
    ],
    allowed: [
      ...one('lib/crypto/a.ts', "import { b } from '../common/b.js';"),
      ...one('lib/crypto/a.ts', "import { b } from './b.js';"),
      ...one('lib/oauth-proxy/x/a.ts', "import { b } from '../y/b.js';"),
      ...one('lib/verifiers/a.ts', "import { b } from '../http/b.js';"),
      ...one('lib/upstreams/a.ts', "import { b } from '../oauth-proxy/upstream/b.js';"),
      ...one('lib/module/a.ts', "import { b } from '../resource-server/b.js';"),
      ...one('lib/index.ts', "export { B } from './module/b.js';"),
    ],
  },
  {
    name: 'every file is in a room',
    law: laws.knownRooms,
    breaches: [...one('lib/a.ts', ''), ...one('lib/shared/a.ts', '')],
    allowed: [...one('lib/index.ts', ''), ...one('lib/storage/a.ts', '')],
  },
  {
    name: 'Nest, Passport and RxJS are imported in files with a Nest role only',
    law: laws.nestOnlyInNestRoles,
    breaches: [
      ...one('lib/verifiers/a.ts', "import { Injectable } from '@nestjs/common';"),
      ...one('lib/verifiers/a.verifier.ts', "import type { Observable } from 'rxjs';"),
      ...one('lib/resource-server/guard.ts', "import passport from 'passport';"),
      ...one('lib/resource-server/a.ts', "import { Strategy } from 'passport-http-bearer';"),
    ],
    allowed: [
      ...one('lib/resource-server/a.guard.ts', "import { Injectable } from '@nestjs/common';"),
      ...one('lib/module/a.module-definition.ts', "import { X } from '@nestjs/common';"),
      ...one('lib/verifiers/a.ts', "import { jwtVerify } from 'jose';"),
    ],
  },
  {
    name: 'no web framework is imported',
    law: laws.noWebFramework,
    breaches: [
      ...one('lib/http/a.responder.ts', "import type { Response } from 'express';"),
      ...one('lib/http/a.responder.ts', "import type { FastifyReply } from 'fastify';"),
      ...one('lib/http/a.responder.ts', "import { X } from '@nestjs/platform-express';"),
    ],
    allowed: one('lib/http/a.responder.ts', "import { X } from '@nestjs/core';"),
  },
  {
    name: 'time comes through the clock',
    law: laws.oneDoorForTime,
    breaches: one(
      'lib/storage/a.ts',
      'const t = Date.now();',
      'const t = new Date();',
      'const t = Date();',
      'const read = globalThis.Date.now;',
      'const t = performance.now();',
      'const t = process.hrtime.bigint();',
    ),
    allowed: [
      ...one('lib/common/clock.ts', 'const t = Date.now();'),
      ...one('lib/storage/a.ts', 'const t = new Date(seconds * 1000);', 'const d: Date = t;'),
    ],
  },
  {
    name: 'randomness and hashing come through the crypto room',
    law: laws.oneDoorForCryptography,
    breaches: one(
      'lib/storage/a.ts',
      "import { createHash } from 'node:crypto';",
      "import * as c from 'crypto';",
      'const id = crypto.randomUUID();',
      'const id = globalThis.crypto.randomUUID();',
      'const { subtle } = crypto;',
    ),
    allowed: [
      ...one('lib/crypto/a.ts', "import { createHash } from 'node:crypto';"),
      ...one(
        'lib/storage/a.ts',
        "import type { KeyObject } from 'node:crypto';",
        "import { hashX } from '../crypto/hash-x.js';",
      ),
    ],
  },
  {
    name: 'the network is reached through the outbound client',
    law: laws.oneDoorForNetwork,
    breaches: [
      ...one(
        'lib/verifiers/a.ts',
        'const r = await fetch(url);',
        'const get = options.fetch ?? fetch;',
        'const x = { [customFetch]: fetch };',
        'const r = globalThis.fetch(url);',
        "import { request } from 'node:https';",
        "import { connect } from 'node:net';",
        "import net from 'node:net';",
        "import { lookup } from 'node:dns/promises';",
        "const http = await import('node:http');",
        "import type { IncomingMessage } from 'node:http';",
      ),
      ...one('lib/http/endpoint.responder.ts', "import { request } from 'node:http';"),
    ],
    allowed: [
      ...one('lib/http/outbound.ts', 'const r = await fetch(url);'),
      ...one('lib/http/outbound-address.ts', "import { lookup } from 'node:dns';"),
      ...one('lib/http/wire.ts', "import type { ServerResponse } from 'node:http';"),
      ...one('lib/module/a.guard.ts', "import type { IncomingMessage } from 'node:http';"),
      ...one(
        'lib/http/a.ts',
        "import { isIP } from 'node:net';",
        'const r = outbound.fetch(url);',
        'const x = { fetch: outbound };',
        'const f = (fetch: Fetch) => fetch(url);',
      ),
    ],
  },
  {
    name: 'no ambient state is used',
    law: laws.noAmbientState,
    breaches: one(
      'lib/module/a.ts',
      'const e = process.env;',
      "const e = process.env['NODE_ENV'];",
      "const e = process['env'];",
      "console.log('x');",
      'const n = Math.random();',
      "eval('1');",
      "const f = new Function('return 1');",
    ),
    allowed: one(
      'lib/module/a.ts',
      'const n = Math.floor(1.5);',
      'this.console.log(1);',
      '/** {@link console} */ const a = 1;',
    ),
  },
  {
    name: 'files do not import each other in a circle',
    law: laws.noCycles,
    breaches: [
      { 'lib/a/a.ts': "import { b } from './b.js';", 'lib/a/b.ts': "import { a } from './a.js';" },
      {
        'lib/a/a.ts': "import { b } from './b.js';",
        'lib/a/b.ts': "import type { C } from './c.js';",
        'lib/a/c.ts': "import { a } from './a.js';",
      },
      one('lib/a/a.ts', "import { a } from './a.js';")[0] ?? {},
    ],
    allowed: [
      {
        'lib/a/a.ts': "import { b } from './b.js'; import { c } from './c.js';",
        'lib/a/b.ts': "import { c } from './c.js';",
        'lib/a/c.ts': '',
      },
    ],
  },
  {
    name: 'only the public surface re-exports, and it does nothing else',
    law: laws.noBarrelButTheSurface,
    breaches: [
      ...one('lib/http/a.ts', "export { b } from './b.js';", "export * from './b.js';"),
      ...one(
        'lib/index.ts',
        "export * from './http/b.js';",
        'export const a = 1;',
        "import './http/b.js';",
      ),
    ],
    allowed: [
      ...one('lib/index.ts', "export { a } from './http/a.js'; export type { B } from './b.js';"),
      ...one('lib/http/a.ts', 'export const a = 1; const b = 2; export { b };'),
    ],
  },
  {
    name: 'nothing is exported by default',
    law: laws.noDefaultExport,
    breaches: one(
      'lib/http/a.ts',
      'export default class A {}',
      'export default function a() {}',
      'export default 1;',
      'const a = 1; export { a as default };',
    ),
    allowed: one('lib/http/a.ts', 'export class A {}', 'switch (a) { default: b(); }'),
  },
  {
    name: 'files are short',
    law: laws.smallFiles,
    breaches: [
      { 'lib/a/a.ts': manyLines(251), 'lib/a/b.ts': '', 'lib/a/c.ts': '' },
      { 'lib/a/a.ts': manyLines(101), 'lib/a/b.ts': manyLines(101), 'lib/a/c.ts': '' },
    ],
    allowed: [{ 'lib/a/a.ts': manyLines(250), 'lib/a/b.ts': manyLines(100), 'lib/a/c.ts': '' }],
  },
  {
    name: 'file names are kebab-case, telling, and end in a known role',
    law: laws.telltaleNames,
    breaches: [
      ...one('lib/http/strictForm.ts', ''),
      ...one('lib/http/Form.ts', ''),
      ...one('lib/http/form_parser.ts', ''),
      ...one('lib/http/form.thing.ts', ''),
      ...one('lib/http/utils.ts', ''),
      ...one('lib/http/index.ts', ''),
    ],
    allowed: [
      ...one('lib/http/strict-form.ts', ''),
      ...one('lib/http/oauth2-error.ts', ''),
      ...one('lib/http/endpoint.responder.ts', ''),
      ...one('lib/index.ts', ''),
    ],
  },
];

describe('the architecture', () => {
  let sources: readonly SourceFile[] = [];

  beforeAll(() => {
    sources = readSources(REPOSITORY, 'lib');
  });

  it('is read from the sources of the library', () => {
    expect(sources.map(({ path }) => path)).toContain('lib/verifiers/token-verifier.ts');
  });

  describe.each(CASES)('$name', ({ law, breaches, allowed }) => {
    it('holds', () => {
      expect(law(sources)).toEqual([]);
    });

    it('notices every planted breach', () => {
      expect(breaches.filter((plant) => law(parsed(plant)).length === 0)).toEqual([]);
    });

    it('allows what is lawful', () => {
      expect(allowed.flatMap((plant) => law(parsed(plant)))).toEqual([]);
    });
  });
});

describe('the public surface', () => {
  const surfaces = laws.SURFACES.map((path) => join(REPOSITORY, path)).filter(existsSync);

  it.each(surfaces)(
    'documents every export of %s',
    (file) => {
      expect(laws.undocumentedExports(programOf(file), file)).toEqual([]);
    },
    60_000,
  );

  it('is caught when an export has no doc comment', () => {
    const file = join(import.meta.dirname, 'architecture/surface.fixture.ts');
    expect(laws.undocumentedExports(programOf(file), file)).toEqual(['bareFunction', 'Bare']);
  }, 60_000);
});

function parsed(plant: Plant): readonly SourceFile[] {
  return Object.entries(plant).map(([path, text]) => parseSource(path, text));
}

function programOf(file: string): ts.Program {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(REPOSITORY, 'tsconfig.json'),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  if (!config) throw new Error('tsconfig.json cannot be read');
  return ts.createProgram([file], config.options);
}
