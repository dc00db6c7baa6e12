import { type ScenarioResult, type Suite, withSuite } from './suite-process.js';

export interface AuthorizationSuiteOptions {
  /** The issuer under test, byte-equal to the `issuer` of its metadata. */
  readonly issuer: string;
  /** A public client, registered with the redirect URI that `callbackOf(port)` tells. */
  readonly clientId: string;
  readonly port: number;
  readonly resource: string;
  /** Logs in like a user who starts at this URL; answers the callback URL it was sent to. */
  readonly walk: (authorizeUrl: string) => Promise<string>;
  /** @default 25 */
  readonly timeoutSeconds?: number;
}

/** Runs the official suite against an authorization server; a browserless user logs in. */
export async function runAuthorizationSuite(
  options: AuthorizationSuiteOptions,
): Promise<readonly ScenarioResult[]> {
  const { issuer, clientId, port, resource } = options;
  const flags = { url: issuer, 'client-id': clientId, port: `${port}`, resource };
  const run = await withSuite('authorization', flags, (suite) => driven(suite, options));
  return run.results;
}

/** The redirect URI the suite listens at. */
export function callbackOf(port: number): string {
  return `http://127.0.0.1:${port}/callback`;
}

/** Resolves when the suite has ended after the login, rejects when it could not be carried out. */
function driven(suite: Suite, options: AuthorizationSuiteOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    let isWalking = false;
    const fail = (cause: unknown): void => {
      clearTimeout(timer);
      reject(new Error(`the conformance suite did not finish:\n${output}`, { cause }));
    };
    const timer = setTimeout(fail, (options.timeoutSeconds ?? 25) * 1000, 'timeout');
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const authorizeUrl = isWalking ? undefined : printedUrl(output);
      if (authorizeUrl === undefined) return;
      isWalking = true;
      options.walk(authorizeUrl).then(visit).catch(fail);
    };
    suite.stdout.on('data', read);
    suite.stderr.on('data', read);
    suite.on('error', fail);
    suite.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The URL that a person would be asked to open, once the suite listens for the callback. */
function printedUrl(output: string): string | undefined {
  return /^(https?:\/\/\S+[?&]response_type=code\S*)$[^]*^Callback server started/m.exec(
    output,
  )?.[1];
}

async function visit(callbackUrl: string): Promise<void> {
  await (await fetch(callbackUrl)).text();
}
