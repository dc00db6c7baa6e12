import fs from 'node:fs';
import { register } from 'node:module';

// The suite imports `globSync` of fs, which came with Node 22, for a command we do not use; without
// it not even the import succeeds. A `node` of version 22 among the dependencies is no way out: its
// bin would take the place of the `node` that runs every npm script.
const fsWithGlobSync = asModule(`
  export * from 'node:fs';
  export { default } from 'node:fs';
  export function globSync() {
    throw new Error('fs.globSync needs Node 22');
  }
`);

const hooks = asModule(`
  export function resolve(specifier, context, next) {
    return specifier === 'fs'
      ? { url: ${JSON.stringify(fsWithGlobSync)}, shortCircuit: true }
      : next(specifier, context);
  }
`);

if (!('globSync' in fs)) register(hooks);

function asModule(source) {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
