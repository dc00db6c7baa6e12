import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import ts from 'typescript';

/** One import, re-export, `import()` or `import('…')` type of a file. */
export interface SourceImport {
  readonly specifier: string;
  /** The repository path a relative specifier names; undefined for packages. */
  readonly target: string | undefined;
  /** The names taken; undefined when the whole module is. */
  readonly names: readonly string[] | undefined;
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  /** The path from the root of the repository, with `/`. */
  readonly path: string;
  readonly lineCount: number;
  readonly syntax: ts.SourceFile;
  readonly imports: readonly SourceImport[];
}

/** Parses every TypeScript file of a folder of the repository, specs left out. */
export function readSources(repository: string, folder: string): readonly SourceFile[] {
  return readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.endsWith('.spec.ts'))
    .toSorted()
    .map((file) =>
      parseSource(
        relative(repository, file).split('\\').join(posix.sep),
        readFileSync(file, 'utf8'),
      ),
    );
}

export function parseSource(path: string, text: string): SourceFile {
  const syntax = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const imports = [...descendants(syntax)].flatMap((node) => importsOf(node, path));
  return { path, lineCount: text.trimEnd().split('\n').length, syntax, imports };
}

/** The node and everything below it, in the order of the text. */
export function* descendants(node: ts.Node): Generator<ts.Node> {
  yield node;
  // `getChildren` would yield doc comments too, whose links look like identifiers.
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* descendants(child);
}

function importsOf(node: ts.Node, path: string): readonly SourceImport[] {
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause;
    return [toImport(path, node.moduleSpecifier, namesOf(clause), isTypeOnly(clause))];
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return [toImport(path, node.moduleSpecifier, undefined, node.isTypeOnly)];
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return [toImport(path, node.argument.literal, undefined, true)];
  }
  const [argument] = ts.isCallExpression(node) && isModuleLoad(node) ? node.arguments : [];
  return argument ? [toImport(path, argument, undefined, false)] : [];
}

function toImport(
  path: string,
  specifier: ts.Node,
  names: readonly string[] | undefined,
  typeOnly: boolean,
): SourceImport {
  const text = ts.isStringLiteralLike(specifier) ? specifier.text : '(computed)';
  const target = text.startsWith('.')
    ? posix.join(posix.dirname(path), text).replace(/\.js$/, '.ts')
    : undefined;
  return { specifier: text, target, names, isTypeOnly: typeOnly };
}

function namesOf(clause: ts.ImportClause | undefined): readonly string[] | undefined {
  const bindings = clause?.namedBindings;
  if (!bindings || !ts.isNamedImports(bindings) || clause.name) return undefined;
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return (
    !clause.name &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every((element) => element.isTypeOnly)
  );
}

function isModuleLoad(call: ts.CallExpression): boolean {
  const callee = call.expression;
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(callee) && callee.text === 'require')
  );
}
