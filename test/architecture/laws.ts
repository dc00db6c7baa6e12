import { posix } from 'node:path';
import ts from 'typescript';
import { descendants } from './source-tree.js';
import type { SourceFile, SourceImport } from './source-tree.js';

/** Every breach of the law among the files, one line each; empty when the law holds. */
export type Law = (files: readonly SourceFile[]) => readonly string[];

const BELOW_CRYPTO = ['common'];
const BELOW_STORAGE = [...BELOW_CRYPTO, 'crypto', 'http'];
const BELOW_METADATA = [...BELOW_STORAGE, 'storage', 'resources'];
const BELOW_SERVERS = [...BELOW_METADATA, 'metadata', 'verifiers'];

/** Which rooms each room may import beside itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  common: [],
  crypto: BELOW_CRYPTO,
  http: BELOW_CRYPTO,
  storage: BELOW_STORAGE,
  resources: BELOW_STORAGE,
  metadata: BELOW_METADATA,
  verifiers: BELOW_METADATA,
  'resource-server': BELOW_SERVERS,
  'oauth-proxy': BELOW_SERVERS,
  'remote-auth': BELOW_SERVERS,
  upstreams: [...BELOW_SERVERS, 'oauth-proxy'],
  module: [...BELOW_SERVERS, 'resource-server', 'oauth-proxy', 'remote-auth', 'upstreams'],
  testing: BELOW_METADATA,
};

/** What an app can import: each file is an entry point of the package. */
export const SURFACES = ['index', 'postgres', 'redis', 'testing'].map((name) => `lib/${name}.ts`);
const NEST_ROLES = [
  'module',
  'controller',
  'guard',
  'strategy',
  'interceptor',
  'decorator',
  'explorer',
  'routes',
  'responder',
  'exception',
  'providers',
  'module-definition',
];
const ROLES = [...NEST_ROLES, 'endpoint', 'grant', 'verifier', 'upstream', 'store', 'repository'];
const BANNED_NAMES = ['utils', 'util', 'helpers', 'helper', 'misc', 'types', 'constants', 'index'];

const MAX_LINES = 250;
const MAX_MEDIAN_LINES = 100;

/** Parts of `node:net` that only compute. */
const OFFLINE_NET = ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress'];

export const roomArrows: Law = (files) =>
  imports(files, ({ path }, { target }) => {
    if (target === undefined || SURFACES.includes(path)) return null;
    const room = roomOf(path);
    const other = roomOf(target);
    if (room !== undefined && (other === room || (other && ARROWS[room]?.includes(other)))) {
      return null;
    }
    return `may not import ${target}`;
  });

export const knownRooms: Law = (files) =>
  files
    .filter(({ path }) => !SURFACES.includes(path) && !((roomOf(path) ?? '') in ARROWS))
    .map(({ path }) => `${path}: is in no room`);

export const nestOnlyInNestRoles: Law = (files) =>
  imports(files, ({ path }, { specifier }) =>
    /^(@nestjs\/|passport|rxjs|reflect-metadata)/.test(specifier) && !hasNestRole(path)
      ? `imports ${specifier} without a Nest role in its name`
      : null,
  );

export const noWebFramework: Law = (files) =>
  imports(files, (_file, { specifier }) =>
    /^(@nestjs\/platform-|@fastify\/|(express|fastify|koa)(-|\/|$))/.test(specifier)
      ? `imports ${specifier}`
      : null,
  );

export const oneDoorForTime: Law = (files) =>
  nodes(files, ({ path }, node) => {
    if (path === 'lib/common/clock.ts') return null;
    const reads =
      isMember(node, 'Date', 'now') ||
      isMember(node, 'performance', 'now') ||
      isMember(node, 'process', 'hrtime') ||
      (ts.isNewExpression(node) && isNamed(node.expression, 'Date') && !node.arguments?.length) ||
      (ts.isCallExpression(node) && isNamed(node.expression, 'Date'));
    return reads ? 'reads the time' : null;
  });

export const oneDoorForCryptography: Law = (files) => {
  const outside = files.filter(({ path }) => !path.startsWith('lib/crypto/'));
  return [
    ...imports(outside, (_file, { specifier, isTypeOnly }) =>
      /^(node:)?crypto$/.test(specifier) && !isTypeOnly ? `imports ${specifier}` : null,
    ),
    ...nodes(outside, (_file, node) =>
      isGlobal(node, 'crypto') ? 'uses the global crypto' : null,
    ),
  ];
};

export const oneDoorForNetwork: Law = (files) => {
  const outside = files.filter(({ path }) => !/^lib\/http\/outbound[^/]*\.ts$/.test(path));
  return [
    ...imports(outside, ({ path }, taken) =>
      opensNetwork(taken) && !(taken.isTypeOnly && (hasNestRole(path) || roomOf(path) === 'http'))
        ? `imports ${taken.specifier}`
        : null,
    ),
    ...nodes(outside, (_file, node) => (isGlobal(node, 'fetch') ? 'uses the global fetch' : null)),
  ];
};

export const noAmbientState: Law = (files) =>
  nodes(files, (_file, node) => {
    if (isMember(node, 'process', 'env')) return 'reads process.env';
    if (isMember(node, 'Math', 'random')) return 'uses Math.random';
    if (isGlobal(node, 'console')) return 'uses console';
    if (isGlobal(node, 'eval')) return 'uses eval';
    return ts.isNewExpression(node) && isNamed(node.expression, 'Function')
      ? 'uses new Function'
      : null;
  });

export const noCycles: Law = (files) => {
  const targets = new Map(files.map((f) => [f.path, f.imports.flatMap((i) => i.target ?? [])]));
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || finished.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    finished.add(path);
  };
  for (const { path } of files) visit(path, []);
  return cycles;
};

export const noBarrelButTheSurface: Law = (files) =>
  nodes(files, ({ path }, node) => {
    if (SURFACES.includes(path)) {
      const isNamedReExport =
        ts.isExportDeclaration(node) && node.exportClause && node.moduleSpecifier;
      return ts.isSourceFile(node.parent) && !isNamedReExport && isStatement(node)
        ? 'holds more than explicit named exports'
        : null;
    }
    return ts.isExportDeclaration(node) && node.moduleSpecifier ? 're-exports' : null;
  });

export const noDefaultExport: Law = (files) =>
  nodes(files, (_file, node) =>
    ts.isExportAssignment(node) ||
    (node.kind === ts.SyntaxKind.DefaultKeyword && isExported(node.parent)) ||
    (ts.isExportSpecifier(node) && node.name.text === 'default')
      ? 'has a default export'
      : null,
  );

export const smallFiles: Law = (files) => {
  const sizes = files.map((f) => f.lineCount).toSorted((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0;
  const long = files
    .filter((f) => f.lineCount > MAX_LINES)
    .map((f) => `${f.path}: has ${f.lineCount} lines, at most ${MAX_LINES} are allowed`);
  return median > MAX_MEDIAN_LINES ? [...long, `lib: the median file has ${median} lines`] : long;
};

export const telltaleNames: Law = (files) =>
  files.flatMap(({ path }) => {
    const [name = '', ...roles] = posix.basename(path, '.ts').split('.');
    if (SURFACES.includes(path)) return [];
    if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) return [`${path}: is not kebab-case`];
    if (BANNED_NAMES.includes(name)) return [`${path}: says nothing about what is in it`];
    return roles.filter((r) => !ROLES.includes(r)).map((r) => `${path}: has the unknown role ${r}`);
  });

/** The exports of a module that have no doc comment; the program must hold the file. */
export function undocumentedExports(program: ts.Program, file: string): readonly string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const surface = source && checker.getSymbolAtLocation(source);
  if (!surface) throw new Error(`${file} is no module of the program`);
  return checker
    .getExportsOfModule(surface)
    .filter((symbol) => !isDocumented(symbol, checker))
    .map((symbol) => symbol.name);
}

function isDocumented(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
  const origin = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
  return origin.getDocumentationComment(checker).some((part) => part.text.trim().length > 0);
}

function imports(
  files: readonly SourceFile[],
  breach: (file: SourceFile, taken: SourceImport) => string | null,
): readonly string[] {
  return files.flatMap((file) =>
    file.imports
      .map((taken) => breach(file, taken))
      .flatMap((text) => (text === null ? [] : [`${file.path}: ${text}`])),
  );
}

function nodes(
  files: readonly SourceFile[],
  breach: (file: SourceFile, node: ts.Node) => string | null,
): readonly string[] {
  return files.flatMap((file) =>
    [...descendants(file.syntax)].slice(1).flatMap((node) => {
      const text = breach(file, node);
      if (text === null) return [];
      const { line } = file.syntax.getLineAndCharacterOfPosition(node.getStart(file.syntax));
      return [`${file.path}:${line + 1}: ${text}`];
    }),
  );
}

function roomOf(path: string): string | undefined {
  return /^lib\/([^/]+)\/.+$/.exec(path)?.[1];
}

function hasNestRole(path: string): boolean {
  const role = posix.basename(path, '.ts').split('.').at(-1) ?? '';
  return posix.basename(path, '.ts').includes('.') && NEST_ROLES.includes(role);
}

function opensNetwork({ specifier, names }: SourceImport): boolean {
  const isNet = /^(node:)?net$/.test(specifier);
  if (isNet && names?.every((name) => OFFLINE_NET.includes(name))) return false;
  return (
    isNet ||
    /^((node:)?(http|https|http2|tls|dns|dns\/promises|dgram)|undici|axios)$/.test(specifier)
  );
}

function isNamed(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

/** `owner.name`, also as `globalThis.owner.name` and `owner['name']`. */
function isMember(node: ts.Node, owner: string, name: string): boolean {
  if (ts.isPropertyAccessExpression(node)) {
    return node.name.text === name && isGlobalReference(node.expression, owner);
  }
  return (
    ts.isElementAccessExpression(node) &&
    ts.isStringLiteralLike(node.argumentExpression) &&
    node.argumentExpression.text === name &&
    isGlobalReference(node.expression, owner)
  );
}

function isGlobalReference(node: ts.Node, name: string): boolean {
  return isNamed(node, name) || isMember(node, 'globalThis', name);
}

/** A use of the global of that name as a value, unless the file declares the name itself. */
function isGlobal(node: ts.Node, name: string): boolean {
  if (isMember(node, 'globalThis', name)) return true;
  if (!isNamed(node, name) || isDeclaredIn(node.getSourceFile(), name)) return false;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return ts.isExpression(node) && !ts.isTypeNode(parent) && !isDeclarationName(node);
}

function isDeclaredIn(syntax: ts.SourceFile, name: string): boolean {
  return [...descendants(syntax)].some(
    (node) =>
      isNamed(node, name) &&
      isDeclarationName(node) &&
      (ts.isVariableDeclaration(node.parent) ||
        ts.isParameter(node.parent) ||
        ts.isFunctionDeclaration(node.parent) ||
        ts.isImportSpecifier(node.parent) ||
        ts.isBindingElement(node.parent)),
  );
}

function isDeclarationName(node: ts.Node): boolean {
  return 'name' in node.parent && node.parent.name === node;
}

function isStatement(node: ts.Node): boolean {
  return node.kind !== ts.SyntaxKind.EndOfFileToken;
}

function isExported(node: ts.Node): boolean {
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword) ?? false;
}
