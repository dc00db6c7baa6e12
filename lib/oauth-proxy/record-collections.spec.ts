import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { RecordStore } from '../storage/record-collection.js';
import { recordCollections } from './record-collections.js';

const document = readFileSync(join(import.meta.dirname, '../../docs/storage.md'), 'utf8');

function collections(): readonly string[] {
  const names: string[] = [];
  recordCollections({ collection: (name: string) => names.push(name) } as unknown as RecordStore);
  return names.toSorted();
}

/** The rows of all the tables that begin with the head, as lists of cells. */
function rowsOf(head: string): readonly (readonly string[])[] {
  const tables = document.split(new RegExp(`^\\| ${head} .*\\n\\|[-| ]+\\n`, 'm')).slice(1);
  const rows = tables.flatMap(
    (table) => /^(?:\|.*\n)*/.exec(table)?.[0].trimEnd().split('\n') ?? [],
  );
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

describe('docs/storage.md', () => {
  it('lists every collection, and no other', () => {
    const listed = rowsOf('Collection').map(([name = '']) => name.replaceAll('`', ''));
    expect(listed.toSorted()).toEqual(collections());
  });

  it('says of every collection what happens when its records are gone', () => {
    const told = rowsOf('Gone').flatMap(([names = '']) =>
      [...names.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name),
    );
    expect(told.toSorted()).toEqual(collections());
  });

  it.each(['Collection', 'Gone'])('leaves no cell of the table %s empty', (head) => {
    const rows = rowsOf(head);
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.flat().filter((cell) => cell === '')).toEqual([]);
  });
});
