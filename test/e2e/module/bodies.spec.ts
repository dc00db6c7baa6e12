import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MultiAuthModule } from '../../../lib/index.js';
import { platforms } from '../../support/app.js';
import {
  baseUrl,
  EchoController,
  startApp,
  type TestedApp,
  tested,
  unreachedProxy,
  WhoController,
} from './support.js';

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';
const client = { redirect_uris: ['http://127.0.0.1/cb'] };

const send = (app: TestedApp, path: string, type: string, body: string | Uint8Array) =>
  app.request(path, { method: 'POST', headers: { 'content-type': type }, body });

describe.each(platforms)('bodies that the parser of the app refuses on %s', (platform) => {
  let app: TestedApp;

  beforeAll(async () => {
    app = await startApp({ platform, controllers: [WhoController, EchoController] });
  });

  afterAll(() => app.close());

  it.each([
    ['JSON that ends too early', '/register', json, '{"redirect_uris":['],
    ['no JSON', '/register', json, 'redirect_uris=x'],
    ['a charset nobody knows', '/token', `${form}; charset=klingon`, 'a=b'],
    ['JSON where a form belongs', '/token', json, '{"grant_type":'],
    ['another type', '/token', 'text/plain', 'grant_type=x'],
    ['XML', '/register', 'application/xml', '<a/>'],
  ])('%s is answered as OAuth does', async (_what, path, type, body) => {
    const answer = await send(app, path, type, body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(Object.keys(answer.json).sort()).toEqual(['error', 'error_description']);
    expect(answer.headers.get('content-type')).toContain(json);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.text).not.toContain('position');
  });

  it('a broken form for a person is answered with a page', async () => {
    const answer = await send(app, '/consent', `${form}; charset=klingon`, 'a=b');
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each([
    ['JSON', '/register', json, JSON.stringify({ client_name: 'x'.repeat(3_000_000) })],
    ['a form', '/token', form, `grant_type=${'x'.repeat(3_000_000)}`],
    ['JSON over our own limit', '/register', json, JSON.stringify({ a: 'x'.repeat(80_000) })],
  ])('%s that is too long is answered 413', async (_what, path, type, body) => {
    const answer = await send(app, path, type, body);
    expect(answer.status).toBe(413);
    expect(Object.keys(answer.json).sort()).toEqual(['error', 'error_description']);
  });

  it('good ones still work', async () => {
    expect((await app.postJson('/register', client)).status).toBe(201);
    expect((await app.postForm('/token', { client_id: 'x' })).status).toBe(401);
  });

  it("the app's own routes keep the format of Nest", async () => {
    const broken = await send(app, '/echo', json, '{"a":');
    expect(broken).toMatchObject({ status: 400, json: { statusCode: 400 } });
    expect((await app.postJson('/echo', {})).json).toEqual({ echoed: true });
    const long = await send(app, '/echo', json, JSON.stringify({ a: 'x'.repeat(3_000_000) }));
    expect(long).toMatchObject({ status: 413, json: { statusCode: 413 } });
  });
});

describe('an app on Express that parses no bodies', () => {
  let app: TestedApp;

  @Module({ imports: [MultiAuthModule.forRoot({ baseUrl, server: unreachedProxy() })] })
  class AppModule {}

  beforeAll(async () => {
    const nest = await NestFactory.create(AppModule, new ExpressAdapter(), {
      logger: false,
      bodyParser: false,
      forceCloseConnections: true,
    });
    await nest.listen(0, '127.0.0.1');
    app = tested(nest, await nest.getUrl(), () => nest.close());
  });

  afterAll(() => app.close());

  it('leaves the reading to the endpoints', async () => {
    expect((await app.postJson('/register', client)).status).toBe(201);
    expect((await app.postForm('/token', { client_id: 'x' })).json['error']).toBe('invalid_client');
  });

  it('gets errors of the protocol for what cannot be read', async () => {
    const broken = await send(app, '/register', json, '{"a":');
    expect(broken).toMatchObject({ status: 400, json: { error: 'invalid_client_metadata' } });
    const long = await send(app, '/token', form, `a=${'x'.repeat(100_000)}`);
    expect(long).toMatchObject({ status: 413, json: { error: 'invalid_request' } });
  });
});
