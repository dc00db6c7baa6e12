import { connect } from 'node:net';
import { describe } from '@jest/globals';

/** Where the tests find the services that an app with several instances uses. */
export const REDIS_URL = 'redis://127.0.0.1:6379';
export const POSTGRES_URL = 'postgres://root@127.0.0.1:5432/test';

type Suite = (name: string, run: () => void) => void;

/** A suite that needs Redis; one that needs PostgreSQL. */
export const describeWithRedis = await suiteWith('Redis', REDIS_URL);
export const describeWithPostgres = await suiteWith('PostgreSQL', POSTGRES_URL);

async function suiteWith(service: string, url: string): Promise<Suite> {
  const { hostname, port, host } = new URL(url);
  return describeWith(`${service} at ${host}`, await listens(hostname, Number(port)));
}

/**
 * For suites that need something of the machine. Where it is missing they are skipped, and say so; in
 * CI they run all the same, and fail.
 */
export function describeWith(what: string, isThere: boolean): Suite {
  if (process.env['CI'] || isThere) return describe;
  return (name, run) => describe.skip(`${name} (skipped: no ${what})`, run); // it cannot run here
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const answer = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}
