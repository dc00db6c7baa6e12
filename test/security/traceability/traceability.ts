import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const securityTests = dirname(here);
const repository = join(securityTests, '..', '..');
const attackId = /\b[A-Z]{2,3}-\d{2}\b/g;
const begin = '<!-- generated: npm run docs:security -->';
const end = '<!-- /generated -->';

/** A group of attacks: its prefix, its name, and its attacks by id. */
export interface AttackGroup {
  readonly prefix: string;
  readonly name: string;
  readonly attacks: Readonly<Record<string, string>>;
}

/** Where the table stands. */
export const securityDocument = join(repository, 'docs', 'security.md');

/** The attacks that the library is measured by. */
export function attackGroups(): readonly AttackGroup[] {
  return JSON.parse(readFileSync(join(here, 'attacks.json'), 'utf8')) as AttackGroup[];
}

/** Which spec files have a test whose name holds the id, by id. */
export function testsByAttack(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(securityTests, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (!file.endsWith('.spec.ts') || file.startsWith('traceability')) continue;
    for (const id of idsInTestNames(join(securityTests, file))) {
      found.set(id, [...(found.get(id) ?? []), file]);
    }
  }
  return found;
}

/** The document with its generated part as it should be. */
export async function withTable(document: string): Promise<string> {
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`No ${begin} … ${end} part.`);
  const options = await resolveConfig(securityDocument);
  return format(`${before}${begin}\n\n${table()}\n${end}${after}`, {
    ...options,
    parser: 'markdown',
  });
}

function table(): string {
  const tests = testsByAttack();
  return attackGroups()
    .map(({ name, prefix, attacks }) => {
      const rows = Object.entries(attacks).map(([id, attack]) => {
        const files = (tests.get(id) ?? []).map((f) => `[${specName(f)}](../test/security/${f})`);
        return `| ${id} | ${attack} | ${files.join(', ')} |`;
      });
      return [
        `### ${name} (${prefix})`,
        '',
        '| | Attack | Shown by |',
        '| - | - | - |',
        ...rows,
        '',
      ].join('\n');
    })
    .join('\n');
}

function specName(file: string): string {
  return file.replace(/\.spec\.ts$/, '');
}

/** The ids in the names of `it` and `describe`, and in the rows from which `each` makes names. */
function idsInTestNames(file: string): ReadonlySet<string> {
  const ids = new Set<string>();
  const collect = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) {
      for (const [id] of node.text.matchAll(attackId)) ids.add(id);
    }
    ts.forEachChild(node, collect);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTest(node.expression)) {
      const [name] = node.arguments;
      if (name) collect(name);
      // `it.each(rows)(name, …)`: the rows are an argument of the inner call.
      if (ts.isCallExpression(node.expression)) node.expression.arguments.forEach(collect);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return ids;
}

function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it' || callee.text === 'describe';
  if (ts.isPropertyAccessExpression(callee)) {
    return callee.name.text !== 'skip' && callee.name.text !== 'todo' && isTest(callee.expression);
  }
  return ts.isCallExpression(callee) && isTest(callee.expression);
}
