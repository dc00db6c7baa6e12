// `node --import ./test/support/ts-loader.mjs x.mjs` lets a child process import our TypeScript.
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { transform } from '@swc/core';

// The hooks below are run by a thread of their own, which loads this file a second time.
if (isMainThread) register(import.meta.url);

/** `./x.js` in our TypeScript means ./x.ts; packages are left alone. */
export async function resolve(specifier, context, next) {
  // The library by its own name is its sources: no build is needed.
  if (specifier === 'nestjs-mcp-multi-auth') {
    return next(new URL('../../lib/index.ts', import.meta.url).href, context);
  }
  const ours = specifier.startsWith('.') && context.parentURL?.endsWith('.ts');
  return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const { code } = await transform(await readFile(fileURLToPath(url), 'utf8'), {
    filename: fileURLToPath(url),
    sourceMaps: 'inline',
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: {
        legacyDecorator: true,
        decoratorMetadata: true,
        useDefineForClassFields: false,
      },
    },
    module: { type: 'es6' },
  });
  return { format: 'module', source: code, shortCircuit: true };
}
