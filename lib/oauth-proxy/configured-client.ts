import type { ConfigurationIssue } from '../common/errors.js';
import { isText, unknownOptionIssues } from '../common/option-issues.js';
import type { Client } from './clients/client.js';
import { redirectUriProblem } from './clients/redirect-uri.js';

/** A client the operator knows, which needs no registration. Public: it has no secret. */
export interface ConfiguredClient {
  readonly clientId: string;
  readonly clientName?: string | undefined;
  readonly redirectUris: readonly string[];
}

/** What is wrong with the operator's clients. */
export function configuredClientIssues(
  clients: readonly ConfiguredClient[],
  path: string,
): ConfigurationIssue[] {
  if (!Array.isArray(clients)) return [{ path, problem: 'must be a list of clients' }];
  const seen = new Set<string>();
  return clients.flatMap((client: ConfiguredClient, index) => {
    const at = `${path}[${index}]`;
    const issues = unknownOptionIssues(at, client, ['clientId', 'clientName', 'redirectUris']);
    if (!isText(client.clientId) || /^https?:/i.test(client.clientId)) {
      issues.push({ path: `${at}.clientId`, problem: 'must be a plain identifier, not a URL' });
    }
    if (seen.has(client.clientId)) issues.push({ path: `${at}.clientId`, problem: 'is repeated' });
    seen.add(client.clientId);
    return [...issues, ...redirectUriIssues(client.redirectUris, `${at}.redirectUris`)];
  });
}

function redirectUriIssues(uris: unknown, path: string): ConfigurationIssue[] {
  if (!Array.isArray(uris) || uris.length === 0) {
    return [{ path, problem: 'must be a list of at least one URI' }];
  }
  return uris.flatMap((uri: unknown, i) => {
    const problem = redirectUriProblem(uri);
    return problem === null ? [] : [{ path: `${path}[${i}]`, problem }];
  });
}

/** The operator's clients as the server sees them. */
export function toClient(configured: ConfiguredClient): Client {
  return {
    id: configured.clientId,
    origin: 'configured',
    ...(configured.clientName !== undefined && { name: configured.clientName }),
    redirectUris: [...configured.redirectUris],
    grantTypes: ['authorization_code', 'refresh_token'],
    authenticationMethod: 'none',
    issuedAt: 0,
  };
}
