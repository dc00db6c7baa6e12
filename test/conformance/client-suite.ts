import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type ScenarioResult, type Suite, withSuite } from './suite-process.js';

export interface ClientScenarioOptions {
  /** Such as `auth/iss-supported`. */
  readonly scenario: string;
  /** The client under test; it is given the URL of the suite's MCP server. */
  readonly client: (serverUrl: string) => Promise<void>;
  /** @default 25 */
  readonly timeoutSeconds?: number;
}

export interface ClientScenarioResult {
  /** The suite's own word: no failure, no warning, and a client that ended well and in time. */
  readonly isPassed: boolean;
  readonly result: ScenarioResult | undefined;
}

/** Runs one scenario of the official suite for clients; the client is a function of the test. */
export async function runClientScenario(
  options: ClientScenarioOptions,
): Promise<ClientScenarioResult> {
  const problems: unknown[] = [];
  const server = await listen(async (serverUrl) => {
    try {
      await options.client(serverUrl);
      return true;
    } catch (error) {
      problems.push(error);
      return false;
    }
  });
  try {
    const flags = { command: commandFor(server), scenario: options.scenario };
    const run = await withSuite('client', flags, (suite) => ended(suite, options));
    if (problems.length > 0) throw new Error('the client failed', { cause: problems[0] });
    return { isPassed: run.driven === 0, result: run.results[0] };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Where the process that the suite takes for the client tells that the scenario is ready. */
async function listen(run: (serverUrl: string) => Promise<boolean>): Promise<Server> {
  const server = createServer((request, response) => {
    void text(request)
      .then(run)
      .then((isDone) => response.writeHead(isDone ? 204 : 500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** The suite hands it to a shell and appends the URL of its server. */
function commandFor(server: Server): string {
  const messenger = fileURLToPath(new URL('client-suite.child.mjs', import.meta.url));
  const { port } = server.address() as AddressInfo;
  return `"${process.execPath}" "${messenger}" http://127.0.0.1:${port}/`;
}

/** The exit code of the suite. */
function ended(suite: Suite, options: ClientScenarioOptions): Promise<number | null> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (cause: unknown): void => {
      clearTimeout(timer);
      reject(new Error(`the conformance suite did not finish:\n${output}`, { cause }));
    };
    const timer = setTimeout(fail, (options.timeoutSeconds ?? 25) * 1000, 'timeout');
    const read = (chunk: Buffer): void => void (output += chunk.toString());
    suite.stdout.on('data', read);
    suite.stderr.on('data', read);
    suite.on('error', fail);
    suite.on('close', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}
