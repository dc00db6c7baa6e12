import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { attackGroups, securityDocument, testsByAttack, withTable } from './traceability.js';

describe('the table of attacks', () => {
  const known = attackGroups().flatMap(({ attacks }) => Object.keys(attacks));
  const shown = testsByAttack();

  it('has every attack once, under its prefix', () => {
    expect(new Set(known).size).toBe(known.length);
    for (const { prefix, attacks } of attackGroups()) {
      expect(Object.keys(attacks).every((id) => id.startsWith(`${prefix}-`))).toBe(true);
      expect(Object.values(attacks).every((attack) => attack.trim() !== '')).toBe(true);
    }
  });

  it('has a test for every attack', () => {
    expect(known.filter((id) => !shown.has(id))).toEqual([]);
  });

  it('has every attack that a test names', () => {
    expect([...shown.keys()].filter((id) => !known.includes(id))).toEqual([]);
  });

  it('is in docs/security.md as `npm run docs:security` writes it', async () => {
    const document = readFileSync(securityDocument, 'utf8');
    expect(document).toBe(await withTable(document));
  });
});
