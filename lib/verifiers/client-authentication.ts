import { type CryptoKey, type JWK, importJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import { parseAssertionJwk } from '../crypto/signing-jwk.js';

/** How the app authenticates at another server's endpoints. */
export type ClientAuthentication =
  'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';

/** Who the app is at another server, and how it proves it. */
export interface AppCredentials {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly clientKey?: JWK | undefined;
  readonly clientAuthentication?: ClientAuthentication | undefined;
}

/** What is wrong with the credentials: the option and the problem, never a value. */
export function credentialProblems(
  options: AppCredentials,
): (readonly [option: string, problem: string])[] {
  const { clientSecret, clientKey } = options;
  const method: string = methodOf(options);
  if (!methods.includes(method)) {
    return [['clientAuthentication', `must be one of ${methods.join(', ')}`]];
  }
  const problems: [string, string][] = [];
  if (clientSecret === '') {
    problems.push(['clientSecret', 'is empty; leave it out for a public client']);
  }
  if (clientSecret !== undefined && !method.startsWith('client_secret_')) {
    problems.push(['clientAuthentication', `is ${method} although there is a clientSecret`]);
  }
  if (clientSecret === undefined && method.startsWith('client_secret_')) {
    problems.push(['clientAuthentication', 'needs a clientSecret']);
  }
  return [...problems, ...keyProblems(method, clientKey)];
}

/** The client authentication of oauth4webapi for credentials without problems. */
export function clientAuthentication(options: AppCredentials): oauth.ClientAuth {
  const { clientSecret = '', clientKey = {} } = options;
  switch (methodOf(options)) {
    case 'client_secret_basic':
      return clientSecretBasic(clientSecret);
    case 'client_secret_post':
      return oauth.ClientSecretPost(clientSecret);
    case 'private_key_jwt':
      return privateKeyJwt(clientKey);
    case 'none':
      return oauth.None();
  }
}

const methods: readonly string[] = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
] satisfies ClientAuthentication[];

function methodOf(options: AppCredentials): ClientAuthentication {
  if (options.clientAuthentication !== undefined) return options.clientAuthentication;
  if (options.clientKey !== undefined) return 'private_key_jwt';
  return options.clientSecret === undefined ? 'none' : 'client_secret_basic';
}

function keyProblems(method: string, key: JWK | undefined): [string, string][] {
  const needed = method === 'private_key_jwt';
  if (key === undefined) return needed ? [['clientAuthentication', 'needs a clientKey']] : [];
  if (!needed) return [['clientAuthentication', `is ${method} although there is a clientKey`]];
  const parsed = parseAssertionJwk(key);
  return 'problem' in parsed ? [['clientKey', parsed.problem]] : [];
}

/**
 * RFC 6749 §2.3.1, escaped as forms are. oauth4webapi escapes `-`, `_` and `.` as well, and the many
 * servers that compare without decoding would not know a secret with them.
 */
function clientSecretBasic(clientSecret: string): oauth.ClientAuth {
  return (_server, client, _body, headers) => {
    const credentials = [client.client_id, clientSecret].map(formEncoded).join(':');
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  };
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

/** RFC 7523 §2.2. Importing a key is asynchronous: it happens when it is first needed. */
function privateKeyJwt(clientKey: JWK): oauth.ClientAuth {
  let authentication: Promise<oauth.ClientAuth> | undefined;
  return async (server, client, body, headers) => {
    authentication ??= loadedKey(clientKey);
    await (
      await authentication
    )(server, client, body, headers);
  };
}

async function loadedKey(clientKey: JWK): Promise<oauth.ClientAuth> {
  const parsed = parseAssertionJwk(clientKey);
  if ('problem' in parsed) throw new Error(`clientKey ${parsed.problem}`);
  // jose answers bytes only for kty `oct`, which is refused above.
  const key = (await importJWK(parsed.privateJwk, parsed.alg)) as CryptoKey;
  return oauth.PrivateKeyJwt(
    // The server may know the key by no id, or by another than its thumbprint.
    { key, ...(clientKey.kid !== undefined && { kid: clientKey.kid }) },
    {
      [oauth.modifyAssertion]: (header) => {
        // oauth4webapi writes the `Ed25519` of RFC 9864, which few providers know yet.
        header['alg'] = parsed.alg;
      },
    },
  );
}
