import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { Client } from './client.js';
import type { ClientDocuments } from './client-documents.js';
import { ClientRepository, type ClientRepositoryDependencies } from './client.repository.js';
import { RedirectUriAllowList } from './redirect-uri-allow-list.js';

const id = 'https://app.example.com/client.json';

const request = {
  clientId: id,
  redirectUri: 'https://app.example.com/cb',
  codeChallenge: 'x'.repeat(43),
  scopes: [],
  resource: 'https://mcp.example.com/mcp',
};

function clientOf(origin: Client['origin']): Client {
  return {
    id,
    origin,
    redirectUris: ['https://app.example.com/cb', 'https://other.example.com/cb'],
    grantTypes: ['authorization_code'],
    authenticationMethod: 'none',
    issuedAt: 0,
  };
}

function repository(
  origins: readonly Client['origin'][],
  more: Partial<ClientRepositoryDependencies> = {},
): ClientRepository {
  const known = (origin: Client['origin']) =>
    Promise.resolve(origins.includes(origin) ? clientOf(origin) : undefined);
  const documents = {
    find: () => known('metadata_document'),
    findForTokens: () => known('metadata_document'),
  };
  return new ClientRepository({
    configured: origins.includes('configured') ? [clientOf('configured')] : [],
    registered: {
      get: () => known('registered'),
    } as unknown as ClientRepositoryDependencies['registered'],
    documents: documents as unknown as ClientDocuments,
    allowed: undefined,
    clock: new ManualClock(),
    unusedLifetimeSeconds: 60,
    unconfirmedLifetimeSeconds: 60,
    ...more,
  });
}

describe('ClientRepository', () => {
  it.each([
    ['configured', ['configured', 'registered', 'metadata_document']],
    ['configured', ['configured', 'metadata_document']],
    ['registered', ['registered', 'metadata_document']],
    ['metadata_document', ['metadata_document']],
    [undefined, []],
  ] as const)('finds the %s client among %j', async (origin, origins) => {
    const clients = repository(origins);
    expect((await clients.find(id))?.origin).toBe(origin);
    expect((await clients.findForTokens(id))?.origin).toBe(origin);
  });

  it('looks for documents at URLs alone', async () => {
    const clients = repository(['metadata_document']);
    expect(await clients.find('app')).toBeUndefined();
    expect(await clients.findForTokens('app')).toBeUndefined();
  });

  it('goes on with the document that the login began with, while documents are taken', async () => {
    const begun = { client: clientOf('metadata_document'), request };
    expect(await repository([]).findForLogin(begun)).toEqual(begun.client);
    expect(await repository([], { documents: undefined }).findForLogin(begun)).toBeUndefined();
    expect((await repository(['configured']).findForLogin({ request }))?.origin).toBe('configured');
  });

  it('narrows the redirect URIs of every client to those allowed', async () => {
    const allowed = new RedirectUriAllowList(['https://app.example.com/*']);
    for (const origin of ['configured', 'registered', 'metadata_document'] as const) {
      const clients = repository([origin], { allowed });
      const begun = { client: clientOf(origin), request };
      for (const client of [
        await clients.find(id),
        await clients.findForTokens(id),
        await clients.findForLogin(begun),
      ]) {
        expect(client?.redirectUris).toEqual(['https://app.example.com/cb']);
      }
    }
  });
});
