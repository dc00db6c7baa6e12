import type { ConfigurationIssue } from '../common/errors.js';
import { isText, scopeListIssues, unknownOptionIssues } from '../common/option-issues.js';
import { readSecretHash } from '../crypto/hash.js';
import { weaknessOf } from '../crypto/weak-secret.js';
import { isLoopbackHost } from '../http/loopback.js';
import { clientKeysProblem, clientKeysUriProblem } from './clients/client-keys.js';
import { clientAuthenticationMethods, clientGrantTypes } from './clients/client.js';
import { redirectUriProblem } from './clients/redirect-uri.js';
import { authenticationMethodOf, type ConfiguredClient } from './configured-client.js';

const known: readonly (keyof ConfiguredClient)[] = [
  'applicationType',
  'clientId',
  'clientName',
  'clientSecret',
  'clientSecretHash',
  'clientUri',
  'grantTypes',
  'jwks',
  'jwksUri',
  'redirectUris',
  'scopes',
  'tokenEndpointAuthMethod',
];

/** What is wrong with the operator's clients. Issues name options, never values. */
export function configuredClientIssues(
  clients: readonly ConfiguredClient[],
  path: string,
): ConfigurationIssue[] {
  if (!Array.isArray(clients)) return [{ path, problem: 'must be a list of clients' }];
  const seen = new Set<string>();
  return clients.flatMap((client: ConfiguredClient, index) => {
    const at = `${path}[${index}]`;
    if (typeof client !== 'object' || client === null) {
      return [{ path: at, problem: 'must be a client' }];
    }
    const issues = unknownOptionIssues(at, client, known);
    if (!isText(client.clientId) || /^https?:/i.test(client.clientId)) {
      issues.push({ path: `${at}.clientId`, problem: 'must be a plain identifier, not a URL' });
    }
    if (seen.has(client.clientId)) issues.push({ path: `${at}.clientId`, problem: 'is repeated' });
    seen.add(client.clientId);
    return [
      ...issues,
      ...metadataIssues(client, at),
      ...redirectUriIssues(client, `${at}.redirectUris`),
      ...authenticationIssues(client, at),
    ];
  });
}

function metadataIssues(client: ConfiguredClient, at: string): ConfigurationIssue[] {
  const { clientName, clientUri, applicationType, grantTypes, scopes } = client;
  return [
    ...unless(clientName === undefined || isText(clientName), {
      path: `${at}.clientName`,
      problem: 'must be a non-empty string',
    }),
    ...unless(clientUri === undefined || isWebUrl(clientUri), {
      path: `${at}.clientUri`,
      problem: 'must be a web URL',
    }),
    ...unless([undefined, 'native', 'web'].includes(applicationType), {
      path: `${at}.applicationType`,
      problem: 'must be "native" or "web"',
    }),
    ...unless(grantTypes === undefined || isGrantTypeList(grantTypes), {
      path: `${at}.grantTypes`,
      problem: `must be a list of ${clientGrantTypes.join(', ')}, with the first among them`,
    }),
    ...scopeListIssues(`${at}.scopes`, scopes),
  ];
}

function redirectUriIssues(client: ConfiguredClient, path: string): ConfigurationIssue[] {
  const uris: unknown = client.redirectUris;
  if (!Array.isArray(uris) || uris.length === 0) {
    return [{ path, problem: 'must be a list of at least one URI' }];
  }
  return uris.flatMap((uri: unknown, i) => {
    const problem = redirectUriProblem(uri, client.applicationType);
    return problem === null ? [] : [{ path: `${path}[${i}]`, problem }];
  });
}

// RFC 7591 §2: each method has its own kind of proof, and a client has one method.
function authenticationIssues(client: ConfiguredClient, at: string): ConfigurationIssue[] {
  const method = authenticationMethodOf(client);
  if (!clientAuthenticationMethods.includes(method)) {
    const problem = `must be one of ${clientAuthenticationMethods.join(', ')}`;
    return [{ path: `${at}.tokenEndpointAuthMethod`, problem }];
  }
  return [
    ...proofIssues(client, at, ['clientSecret', 'clientSecretHash'], method.startsWith('client_')),
    ...proofIssues(client, at, ['jwks', 'jwksUri'], method === 'private_key_jwt'),
  ];
}

type Proof = 'clientSecret' | 'clientSecretHash' | 'jwks' | 'jwksUri';

/** Of two options that say the same thing in two ways one is needed, or none. */
function proofIssues(
  client: ConfiguredClient,
  at: string,
  options: readonly [Proof, Proof],
  needed: boolean,
): ConfigurationIssue[] {
  const [first, second] = options;
  const given = options.filter((option) => client[option] !== undefined);
  if (!needed) {
    const problem = `does not go with the tokenEndpointAuthMethod ${authenticationMethodOf(client)}`;
    return given.map((option) => ({ path: `${at}.${option}`, problem }));
  }
  if (given.length === 0) return [{ path: `${at}.${first}`, problem: `or ${second} is missing` }];
  if (given.length === 2) {
    return [{ path: `${at}.${second}`, problem: `must not be there beside ${first}` }];
  }
  return given.flatMap((option) => {
    const problem = proofProblems[option](client[option]);
    return problem === null ? [] : [{ path: `${at}.${option}`, problem }];
  });
}

const proofProblems: Record<Proof, (value: unknown) => string | null> = {
  clientSecret: (value) => weaknessOf(value) ?? null,
  clientSecretHash: (value) =>
    readSecretHash(value) ? null : 'must be a SHA-256 in hexadecimal or base64url',
  jwks: clientKeysProblem,
  jwksUri: (value) => (isLoopbackUrl(value) ? null : clientKeysUriProblem(value)),
};

function isLoopbackUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  return protocol === 'http:' && isLoopbackHost(hostname) && !username && !password;
}

function isWebUrl(value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value);
}

function isGrantTypeList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.includes('authorization_code') &&
    value.every((grant) => clientGrantTypes.includes(grant))
  );
}

function unless(condition: boolean, issue: ConfigurationIssue): ConfigurationIssue[] {
  return condition ? [] : [issue];
}
