import { describe, expect, it } from '@jest/globals';
import { BadDocument, parseClientDocument } from './client-document.js';

const url = 'https://app.example.com/client.json';
const document = {
  client_id: url,
  client_name: 'App',
  redirect_uris: ['https://app.example.com/cb'],
};

const parse = (members: object): ReturnType<typeof parseClientDocument> =>
  parseClientDocument(url, JSON.stringify({ ...document, ...members }), 1000);

describe('parseClientDocument', () => {
  it('reads what clients publish', () => {
    const published = {
      client_uri: 'https://app.example.com',
      logo_uri: 'https://app.example.com/logo.png',
      redirect_uris: ['http://127.0.0.1/callback', 'https://app.example.com/cb', 'app:/cb'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:x'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      scope: 'mcp:use notes:read',
      contacts: ['someone@example.com'],
      'client_name#de': 'Anwendung',
    };
    expect(parse(published)).toEqual({
      id: url,
      origin: 'metadata_document',
      name: 'App',
      uri: 'https://app.example.com',
      redirectUris: published.redirect_uris,
      grantTypes: ['authorization_code', 'refresh_token'],
      authenticationMethod: 'none',
      applicationType: 'native',
      scopes: ['mcp:use', 'notes:read'],
      issuedAt: 1000,
    });
  });

  it('offers a refresh to who does not say what it wants, and to nobody who does not want it', () => {
    expect(parse({}).grantTypes).toEqual(['authorization_code', 'refresh_token']);
    expect(parse({ grant_types: ['authorization_code'] }).grantTypes).toEqual([
      'authorization_code',
    ]);
  });

  it('takes no method for none: a shared secret is not to be had', () => {
    expect(parse({}).authenticationMethod).toBe('none');
    expect(parse({ token_endpoint_auth_method: null }).authenticationMethod).toBe('none');
  });

  it.each([
    ['client_id', { client_id: `${url}/` }],
    ['client_name', { client_name: null }],
    ['client_uri', { client_uri: 'http://app.example.com' }],
    ['client_uri', { client_uri: 'javascript:alert(1)' }],
    ['client_uri', { client_uri: 1 }],
    ['logo_uri', { logo_uri: 'data:image/svg+xml,<svg/>' }],
    ['redirect', { redirect_uris: ['https://app.example.com/cb', 'javascript:alert(1)'] }],
    ['redirect', { application_type: 'web', redirect_uris: ['http://localhost/cb'] }],
    ['secret', { client_secret: 'x' }],
    ['secret', { 'client_secret#de': 'x' }],
    ['token_endpoint_auth_method', { token_endpoint_auth_method: 'client_secret_post' }],
  ])('says that %s is what is wrong with %j', (name, members) => {
    expect(() => parse(members)).toThrow(BadDocument);
    expect(() => parse(members)).toThrow(name);
  });

  it('says nothing of what it has read', () => {
    for (const [name, value] of Object.entries(document)) {
      const spoilt = { ...document, [name]: 'x-marks-the-spot' };
      const text = JSON.stringify(spoilt).replace('{', `{"${name}":${JSON.stringify(value)},`);
      for (const bad of [text, JSON.stringify(spoilt), `${text}]`]) {
        let message = '';
        try {
          parseClientDocument(url, bad, 0);
        } catch (error) {
          ({ message } = error as BadDocument);
        }
        expect(message).not.toContain('x-marks-the-spot');
      }
    }
  });
});
