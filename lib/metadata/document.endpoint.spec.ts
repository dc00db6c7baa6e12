import { describe, expect, it } from '@jest/globals';

import type { EndpointRequest } from '../http/endpoint.js';
import { documentEndpoint, documentRoute } from './document.endpoint.js';

const request: EndpointRequest = {
  method: 'GET',
  path: '/',
  rawQuery: '',
  headers: {},
  body: undefined,
};

describe('documentEndpoint', () => {
  it('answers the document as JSON that caches may keep for five minutes', async () => {
    expect(await documentEndpoint({ issuer: 'https://as.test' }).handle(request)).toEqual({
      kind: 'json',
      status: 200,
      headers: { 'Cache-Control': 'public, max-age=300' },
      body: { issuer: 'https://as.test' },
    });
  });

  it('asks a function for the document on each request', async () => {
    let version = 0;
    const endpoint = documentEndpoint(() => ({ version: ++version }));
    await endpoint.handle(request);
    expect(await endpoint.handle(request)).toMatchObject({ body: { version: 2 } });
  });
});

describe('documentRoute', () => {
  it('offers GET and HEAD to every origin', () => {
    const route = documentRoute('/jwks', { keys: [] });
    expect(route).toMatchObject({ path: '/jwks', cors: 'any', headSafe: true });
    expect(Object.keys(route.methods)).toEqual(['GET']);
  });
});
