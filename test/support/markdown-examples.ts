import { join, resolve } from 'node:path';
import ts from 'typescript';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/** A piece of TypeScript in a document. */
export interface Example {
  /** The line of the document it begins at. */
  readonly line: number;
  /** What its first line says, such as `app.module.ts`. */
  readonly file: string;
  readonly code: string;
}

/** The TypeScript blocks; each with a file name is a project, together with the shared controller. */
export function examplesOf(markdown: string): readonly Example[] {
  return [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, code = ''] = match;
    return {
      line: markdown.slice(0, match.index).split('\n').length,
      file: /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? 'example.ts',
      code,
    };
  });
}

/** As strict as any user may be. */
export const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noUnusedLocals: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  useDefineForClassFields: false,
  skipLibCheck: true,
  noEmit: true,
  paths: {
    'nestjs-mcp-multi-auth': [join(REPOSITORY, 'lib/index.ts')],
    'nestjs-mcp-multi-auth/*': [join(REPOSITORY, 'lib/*.ts')],
  },
};

/** What the compiler finds wrong with a file of the program. */
export function problemsOf(program: ts.Program, path: string): readonly string[] {
  const source = program.getSourceFile(path);
  if (!source) throw new Error(`${path} was not read.`);
  const found = [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ];
  return found.map(
    ({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  );
}

/** The example as an ES module that Node runs. */
export function javaScriptOf(code: string): string {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { ...compilerOptions, module: ts.ModuleKind.ESNext, noEmit: false },
  });
  return outputText.replace(/(from '\.\/[^']+)\.js'/g, `$1.mjs'`);
}
