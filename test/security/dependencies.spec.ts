// The parts that others wrote: CVE-2022-25896 (passport), CVE-2024-28176 (jose), CVE-2024-45296,
// CVE-2024-52798 (path-to-regexp).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const repository = join(import.meta.dirname, '..', '..');
const read = (file: string): unknown => JSON.parse(readFileSync(join(repository, file), 'utf8'));

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** The first version of each line that has no known hole, or the one line that has none. */
const floors: Readonly<Record<string, readonly string[]>> = {
  jose: ['6.0.0'],
  oauth4webapi: ['3.0.0'],
  passport: ['0.6.0'],
  'path-to-regexp': ['0.1.12', '1.9.0', '3.3.0', '6.3.0', '8.0.0'],
  express: ['4.20.0', '5.0.0'],
  fastify: ['5.3.2'],
  'find-my-way': ['8.2.2', '9.0.1'],
  qs: ['6.14.1'],
};

describe('the dependencies', () => {
  const { dependencies, optionalDependencies } = read('package.json') as Manifest;

  it('of a user are few and named — NE-13', () => {
    expect(Object.keys(dependencies).toSorted()).toEqual([
      'jose',
      'oauth4webapi',
      'passport-http-bearer',
    ]);
    expect(Object.keys(optionalDependencies)).toEqual(['lmdb']);
  });

  it.each(Object.entries(floors))('have no %s below its known holes — NE-13', (name, safe) => {
    const { packages } = read('package-lock.json') as {
      packages: Readonly<Record<string, { version: string }>>;
    };
    const installed = Object.entries(packages).filter(([path]) =>
      path.endsWith(`node_modules/${name}`),
    );
    expect(installed.length).toBeGreaterThan(0);
    for (const [path, { version }] of installed) {
      const line = safe.findLast((floor) => major(floor) <= major(version)) ?? safe[0] ?? '';
      expect({ path, version, safe: !isBelow(version, line) }).toMatchObject({ safe: true });
    }
  });
});

function major(version: string): number {
  return Number(version.split('.')[0]);
}

function isBelow(version: string, floor: string): boolean {
  const numbers = (v: string): number[] => v.split(/[.-]/).slice(0, 3).map(Number);
  const [a, b] = [numbers(version), numbers(floor)];
  const at = a.findIndex((n, i) => n !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}
