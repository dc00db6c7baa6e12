import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from '../common/errors.js';
import { randomToken } from '../crypto/random.js';

const SECRET_LENGTH = 43;

/**
 * The secret in the folder's file `secret`, which is made, readable by its owner alone, when there
 * is none. Processes that start at once agree on one.
 *
 * @throws StorageError when the file holds something else.
 */
export async function readOrCreateSecret(folder: string): Promise<string> {
  const file = join(folder, 'secret');
  const secret = (await readIfPresent(file)) ?? (await createSecret(folder, file));
  if (secret.length < SECRET_LENGTH) {
    throw new StorageError(`${file} does not hold a secret; delete it to have a new one made.`);
  }
  return secret;
}

async function createSecret(folder: string, file: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `secret.${randomToken(8)}`);
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(randomToken());
    await handle.close();
    // A link appears with its content or not at all: nobody reads a secret that is half written.
    await link(draft, file).catch(ignore('EEXIST'));
  } finally {
    await handle.close();
    await unlink(draft);
  }
  return readFile(file, 'utf8');
}

async function readIfPresent(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(ignore('ENOENT'));
}

function ignore(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error;
  };
}
