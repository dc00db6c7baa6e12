import { describe, expect, it } from '@jest/globals';
import type { EndpointRequest } from './endpoint.js';
import { readJsonObject } from './json-body.js';
import { OAuthError } from './oauth-error.js';

function aRequest(body: unknown, headers: EndpointRequest['headers'] = {}): EndpointRequest {
  return {
    method: 'POST',
    path: '/register',
    rawQuery: '',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  };
}

const read = (request: EndpointRequest): unknown =>
  readJsonObject(request, 'invalid_client_metadata');

function refusalOf(request: EndpointRequest): OAuthError {
  try {
    read(request);
  } catch (error) {
    if (error instanceof OAuthError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);

describe('readJsonObject', () => {
  it.each([
    ['an object', { a: [1, { b: 'c' }] }],
    ['text', '{"a":[1,{"b":"c"}]}'],
    ['bytes', Buffer.from('{"a":[1,{"b":"c"}]}')],
  ])('reads a body the host left as %s', (_kind, body) => {
    expect(read(aRequest(body))).toEqual({ a: [1, { b: 'c' }] });
  });

  it.each([
    [[]],
    [null],
    [1],
    [undefined],
    ['[]'],
    ['null'],
    ['"a"'],
    ['{'],
    [''],
    ['\uFEFF{}'],
    [Buffer.from('\uFEFF{}')],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('refuses what is no JSON object: %j', (body) => {
    expect(refusalOf(aRequest(body))).toMatchObject({
      error: 'invalid_client_metadata',
      status: 400,
    });
  });

  it.each(['application/json', 'Application/JSON; charset=UTF-8'])('takes %j', (type) => {
    expect(read(aRequest({ a: 1 }, { 'content-type': type }))).toEqual({ a: 1 });
  });

  it.each([
    undefined,
    'text/plain',
    'application/jsonp',
    'application/json, text/plain',
    'application/json; charset=latin1',
  ])('refuses the content type %j', (type) => {
    expect(refusalOf(aRequest({ a: 1 }, { 'content-type': type })).status).toBe(400);
  });

  it('refuses an encoded body', () => {
    expect(refusalOf(aRequest({ a: 1 }, { 'content-encoding': 'gzip' })).status).toBe(400);
  });

  it('takes 64 kB and refuses more with 413, as announced or as found', () => {
    const text = (length: number): unknown => ({ a: 'x'.repeat(length) });
    expect(read(aRequest(text(65_000)))).toEqual(text(65_000));
    expect(refusalOf(aRequest(text(65_536))).status).toBe(413);
    expect(refusalOf(aRequest(JSON.stringify(text(65_536)))).status).toBe(413);
    expect(refusalOf(aRequest({}, { 'content-length': '65537' })).status).toBe(413);
    expect(read(aRequest({}, { 'content-length': '65536' }))).toEqual({});
    expect(refusalOf(aRequest({ a: Array.from({ length: 70_000 }, () => 1) })).status).toBe(413);
  });

  it('takes a depth of 20 and refuses a deeper one, without running out of stack', () => {
    expect(() => read(aRequest(nested(20)))).not.toThrow();
    expect(refusalOf(aRequest(nested(21))).status).toBe(400);
    expect(refusalOf(aRequest(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)).status).toBe(
      400,
    );
    let deep: unknown = 1;
    for (let i = 0; i < 200_000; i++) deep = [deep];
    expect(refusalOf(aRequest({ deep })).status).toBe(400);
  });

  it('refuses a member called __proto__ at any depth', () => {
    expect(refusalOf(aRequest('{"__proto__":{"admin":true}}')).status).toBe(400);
    expect(refusalOf(aRequest('{"a":[{"__proto__":1}]}')).status).toBe(400);
    expect(read(aRequest('{"proto":1}'))).toEqual({ proto: 1 });
  });
});
