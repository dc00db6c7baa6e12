import { describe, expect, it } from '@jest/globals';
import { readAcceptLanguage } from '../../http/accept-language.js';
import { ResourceRegistry } from '../../resources/resource-registry.js';
import type { Client } from '../clients/client.js';
import { MessageCatalogue } from '../pages/message-catalogue.js';
import { consentView } from './consent-view.js';

const resource = 'https://as.test/mcp';
const resources = new ResourceRegistry([
  {
    name: 'mcp',
    identifier: resource,
    requiredScopes: [],
    displayName: 'Notes',
    documentation: undefined,
  },
]);
const messages = new MessageCatalogue({}).for(readAcceptLanguage(''));

function viewOf(changes: Partial<Client> = {}) {
  const client: Client = {
    id: 'id',
    origin: 'registered',
    redirectUris: ['https://app.test/cb'],
    grantTypes: ['authorization_code'],
    authenticationMethod: 'none',
    issuedAt: 0,
    ...changes,
  };
  const request = {
    clientId: client.id,
    redirectUri: 'https://app.test/cb',
    codeChallenge: '',
    scopes: ['a', 'toString'],
    resource,
  };
  const question = { client, request, remembered: false, form: { txn: 't', csrf: 'c' } };
  const scopeDescriptions = { a: { en: 'Do a' } };
  return consentView(question, messages, { serverName: 'Server', scopeDescriptions, resources });
}

describe('consentView', () => {
  it('names the resource as people know it, and the scopes in words', () => {
    expect(viewOf().server).toEqual({ name: 'Notes', resource });
    expect(viewOf().scopes).toEqual([{ scope: 'a', description: 'Do a' }, { scope: 'toString' }]);
  });

  it('has a website with https alone', () => {
    expect(viewOf({ uri: 'https://app.test/?a' }).client.website).toBe('https://app.test/?a');
    for (const uri of ['http://app.test/', 'javascript:alert(1)', 'data:,x', 'https://', '/x']) {
      expect(viewOf({ uri }).client).not.toHaveProperty('website');
    }
  });

  it('has no name where there is nothing to read', () => {
    expect(viewOf({ name: ' App ' }).client.name).toBe('App');
    expect(viewOf({ name: ' ' }).client).not.toHaveProperty('name');
    expect(viewOf().client).not.toHaveProperty('name');
  });

  it('knows the publisher of a document, port and all, and of nothing else', () => {
    const id = 'https://app.test:8443/client.json';
    expect(viewOf({ id, origin: 'metadata_document' }).client.publishedBy).toBe('app.test:8443');
    expect(viewOf({ id, origin: 'registered' }).client).not.toHaveProperty('publishedBy');
  });
});
