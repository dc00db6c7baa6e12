import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, StorageError, UpstreamError } from '../common/errors.js';
import { EndpointDispatcher } from './dispatcher.js';
import type { Endpoint, EndpointRequest, EndpointRoute } from './endpoint.js';
import { OAuthError } from './oauth-error.js';

const hello: Endpoint = {
  handle: (request) =>
    Promise.resolve({ kind: 'json', status: 200, body: { method: request.method } }),
};

const throwing = (error: unknown): Endpoint => ({
  handle: () => {
    throw error;
  },
});

const aRoute = (change: Partial<EndpointRoute> = {}): EndpointRoute => ({
  path: '/token',
  methods: { POST: hello },
  cors: 'any',
  audience: 'client',
  ...change,
});

const aRequest = (method: string, path = '/token'): EndpointRequest => ({
  method,
  path,
  rawQuery: '',
  headers: {},
  body: undefined,
});

function aDispatcher(...routes: EndpointRoute[]) {
  const faults: [string, unknown][] = [];
  const dispatcher = new EndpointDispatcher(routes, (...fault) => faults.push(fault));
  return { dispatcher, faults };
}

describe('EndpointDispatcher', () => {
  it('finds the endpoint by path and method', async () => {
    const { dispatcher } = aDispatcher(aRoute(), aRoute({ path: '/jwks', methods: {} }));
    expect(dispatcher.paths).toEqual(['/token', '/jwks']);
    expect(await dispatcher.dispatch(aRequest('POST'))).toEqual({
      response: { kind: 'json', status: 200, body: { method: 'POST' } },
      cors: 'any',
    });
  });

  it.each(['/token/', '/Token', '/%74oken', '//token', '/', '', '__proto__'])(
    'answers 404 for the path %j',
    async (path) => {
      const { dispatcher, faults } = aDispatcher(aRoute());
      const { response, cors } = await dispatcher.dispatch(aRequest('POST', path));
      expect(response).toMatchObject({ kind: 'json', status: 404 });
      expect(cors).toBe('none');
      expect(faults).toEqual([]);
    },
  );

  it('refuses two routes with one path', () => {
    expect(() => aDispatcher(aRoute(), aRoute())).toThrow(ConfigurationError);
    expect(() => aDispatcher(aRoute(), aRoute({ path: '/other' }))).not.toThrow();
  });

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'constructor'])(
    'answers 405 to %s at an endpoint for POST',
    async (method) => {
      const { dispatcher } = aDispatcher(aRoute());
      const { response, cors } = await dispatcher.dispatch(aRequest(method));
      expect(response).toMatchObject({
        kind: 'json',
        status: 405,
        headers: { allow: 'POST, OPTIONS' },
        body: { error: 'invalid_request' },
      });
      expect(cors).toBe('any');
    },
  );

  it('never lets HEAD reach an endpoint that is no document', async () => {
    const route = aRoute({ methods: { GET: throwing(new Error('spent')), POST: hello } });
    const { dispatcher, faults } = aDispatcher(route);
    const { response } = await dispatcher.dispatch(aRequest('HEAD'));
    expect(response).toMatchObject({ status: 405, headers: { allow: 'GET, POST, OPTIONS' } });
    expect(faults).toEqual([]);
  });

  it('answers HEAD like GET for a document', async () => {
    const { dispatcher } = aDispatcher(aRoute({ methods: { GET: hello }, headSafe: true }));
    const { response } = await dispatcher.dispatch(aRequest('HEAD'));
    expect(response).toMatchObject({ status: 200 });
    expect((await dispatcher.dispatch(aRequest('PUT'))).response).toMatchObject({
      headers: { allow: 'GET, HEAD, OPTIONS' },
    });
  });

  it('answers preflights where browsers of every origin may call', async () => {
    const { dispatcher } = aDispatcher(aRoute());
    expect((await dispatcher.dispatch(aRequest('OPTIONS'))).response).toEqual({
      kind: 'empty',
      status: 204,
      headers: {
        allow: 'POST, OPTIONS',
        'access-control-allow-methods': 'POST, OPTIONS',
        'access-control-allow-headers': 'authorization, content-type, accept, mcp-protocol-version',
        'access-control-max-age': '600',
      },
    });
  });

  it('permits nothing in a preflight where no other origin may call — RFC 9700 §2.6', async () => {
    const { dispatcher } = aDispatcher(aRoute({ cors: 'none' }));
    expect(await dispatcher.dispatch(aRequest('OPTIONS'))).toEqual({
      response: { kind: 'empty', status: 204, headers: { allow: 'POST, OPTIONS' } },
      cors: 'none',
    });
  });
});

describe('EndpointDispatcher, when an endpoint fails', () => {
  it.each(['thrown', 'rejected'])('answers an OAuthError that is %s', async (how) => {
    const error = new OAuthError('invalid_grant', 'The code is not valid.');
    const endpoint = how === 'thrown' ? throwing(error) : { handle: () => Promise.reject(error) };
    const { dispatcher, faults } = aDispatcher(aRoute({ methods: { POST: endpoint } }));
    expect(await dispatcher.dispatch(aRequest('POST'))).toEqual({
      cors: 'any',
      response: {
        kind: 'json',
        status: 400,
        headers: {},
        body: { error: 'invalid_grant', error_description: 'The code is not valid.' },
      },
    });
    expect(faults).toEqual([]);
  });

  it.each([
    [new StorageError('down'), 503],
    [new UpstreamError('slow', 'transient'), 503],
    [new UpstreamError('no', 'refused'), 502],
    [new OAuthError('server_error', 'No.', { status: 500 }), 500],
    [new TypeError('secret at /srv/app.js:7'), 500],
  ])('reports %p and answers without its words', async (error, status) => {
    const { dispatcher, faults } = aDispatcher(aRoute({ methods: { POST: throwing(error) } }));
    const { response } = await dispatcher.dispatch(aRequest('POST'));
    expect(response).toMatchObject({ kind: 'json', status });
    expect(JSON.stringify(response)).not.toMatch(/secret|srv|stack|down|slow/);
    expect(faults).toEqual([['/token', error]]);
  });

  it('shows a person a page', async () => {
    const { dispatcher } = aDispatcher(
      aRoute({ audience: 'person', cors: 'none', methods: { GET: throwing(new Error('x')) } }),
    );
    expect(await dispatcher.dispatch(aRequest('GET'))).toMatchObject({
      response: { kind: 'page', status: 500 },
      cors: 'none',
    });
  });

  it('survives an observer that fails', async () => {
    const route = aRoute({ methods: { POST: throwing(new Error('x')) } });
    const dispatcher = new EndpointDispatcher([route], () => {
      throw new Error('observer');
    });
    expect((await dispatcher.dispatch(aRequest('POST'))).response).toMatchObject({ status: 500 });
  });

  it("shows a fault in the route's own words, and plainly when they fail too", async () => {
    const own: Pick<EndpointRoute, 'audience' | 'faultPage'> = {
      audience: 'person',
      faultPage: ({ status }, { path }) => ({ kind: 'page', status, html: `own ${path}` }),
    };
    const route = aRoute({ ...own, methods: { POST: throwing(new StorageError('x')) } });
    const { dispatcher } = aDispatcher(route);
    const { response } = await dispatcher.dispatch(aRequest('POST'));
    expect(response).toMatchObject({ kind: 'page', status: 503, html: 'own /token' });
    const { dispatcher: broken, faults } = aDispatcher({
      ...route,
      faultPage: () => {
        throw new Error('the page');
      },
    });
    const plain = await broken.dispatch(aRequest('POST'));
    expect(plain.response).toMatchObject({ kind: 'page', status: 503 });
    expect(faults.map(([, error]) => String(error))).toEqual([
      'StorageError: x',
      'Error: the page',
    ]);
  });

  it('answers for a request that could not be read, also at no known path', () => {
    const { dispatcher } = aDispatcher(aRoute({ audience: 'person' }));
    const error = new OAuthError('invalid_request', 'Too long.', { status: 413 });
    expect(dispatcher.answerFault('/token', error).response).toMatchObject({
      kind: 'page',
      status: 413,
    });
    expect(dispatcher.answerFault('/other', error)).toMatchObject({
      response: { kind: 'json', status: 413 },
      cors: 'none',
    });
  });
});
