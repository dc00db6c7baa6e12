import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StorageError } from '../common/errors.js';
import { readOrCreateSecret } from './secret-file.js';

describe('readOrCreateSecret', () => {
  let parent: string;
  let folder: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'secret-file-'));
    folder = join(parent, 'folder');
  });

  afterEach(async () => {
    await rm(parent, { recursive: true });
  });

  it('makes a secret once and reads it from then on', async () => {
    const secret = await readOrCreateSecret(folder);
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await readOrCreateSecret(folder)).toBe(secret);
  });

  it('gives all who come at once the same one, and leaves no draft behind', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => readOrCreateSecret(folder)));
    expect(new Set(all).size).toBe(1);
    expect(await readdir(folder)).toEqual(['secret']);
  });

  it('lets nobody but the owner read folder and file', async () => {
    await readOrCreateSecret(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'secret'))).mode & 0o777).toBe(0o600);
  });

  it('never replaces what is there', async () => {
    await readOrCreateSecret(folder);
    await writeFile(join(folder, 'secret'), 'damaged');
    await expect(readOrCreateSecret(folder)).rejects.toThrow(StorageError);
    await rm(join(folder, 'secret'));
    await expect(readOrCreateSecret(folder)).resolves.toHaveLength(43);
  });
});
