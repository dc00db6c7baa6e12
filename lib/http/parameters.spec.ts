import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { EndpointRequest } from './endpoint.js';
import { OAuthError } from './oauth-error.js';
import { Parameters } from './parameters.js';

const FORM = 'application/x-www-form-urlencoded';

function aForm(body: unknown, headers: EndpointRequest['headers'] = {}): EndpointRequest {
  return {
    method: 'POST',
    path: '/token',
    rawQuery: 'code=from-the-query',
    headers: { 'content-type': FORM, ...headers },
    body,
  };
}

function thrownBy(action: () => unknown): OAuthError {
  try {
    action();
  } catch (error) {
    if (error instanceof OAuthError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('Parameters.fromQuery', () => {
  it('decodes names and values', () => {
    const parameters = Parameters.fromQuery('scope=a+b%20c&redirect_uri=https%3A%2F%2Fa.test%2F');
    expect(parameters.get('scope')).toBe('a b c');
    expect(parameters.get('redirect_uri')).toBe('https://a.test/');
    expect(parameters.names()).toEqual(['scope', 'redirect_uri']);
    expect(parameters.repeated).toEqual([]);
  });

  it('takes an empty value for an omitted one — RFC 6749 §3.1', () => {
    const parameters = Parameters.fromQuery('state=&nonce');
    expect(parameters.get('state')).toBeUndefined();
    expect(parameters.get('nonce')).toBeUndefined();
    expect(parameters.names()).toEqual(['state', 'nonce']);
  });

  it.each(['a=1&a=2', 'a=1&a=1', 'a=&a=1', 'a=1&%61=2', '&a&a'])(
    'gives a repeated parameter no value: %s',
    (query) => {
      const parameters = Parameters.fromQuery(`b=1&${query}`);
      expect(parameters.repeated).toEqual(['a']);
      expect(parameters.get('a')).toBeUndefined();
      expect(parameters.get('b')).toBe('1');
    },
  );

  it.each(['a[]=1', 'a[x]=1', 'a=1&a[]=2', 'a[x]=1&a=2', 'a%5B%5D=1&a=2'])(
    'takes the list notation for a repetition: %s',
    (query) => {
      for (const parameters of [Parameters.fromQuery(query), Parameters.fromForm(aForm(query))]) {
        expect(parameters.repeated).toEqual(['a']);
        expect(parameters.get('a')).toBeUndefined();
      }
    },
  );

  it('reads a bracket that begins a name, or stands in a value, as any character', () => {
    const parameters = Parameters.fromQuery('[]=1&a=b[]');
    expect(parameters.repeated).toEqual([]);
    expect(parameters.get('a')).toBe('b[]');
  });

  it('keeps a leading question mark as part of the name', () => {
    expect(Parameters.fromQuery('?a=1').get('a')).toBeUndefined();
    expect(Parameters.fromQuery('?a=1').get('?a')).toBe('1');
  });

  it('is not fooled by the names of Object.prototype', () => {
    const parameters = Parameters.fromQuery('__proto__=x&constructor=y');
    expect(parameters.get('__proto__')).toBe('x');
    expect(parameters.get('constructor')).toBe('y');
    expect(parameters.get('toString')).toBeUndefined();
    expect(parameters.repeated).toEqual([]);
  });

  it('reads a query of 16 kB and refuses a longer one', () => {
    const long = `a=${'x'.repeat(8000)}&b=${'x'.repeat(8000)}&c=`;
    const fits = long + 'x'.repeat(16_384 - long.length);
    expect(Parameters.fromQuery(fits).get('a')).toHaveLength(8000);
    expect(thrownBy(() => Parameters.fromQuery(`${fits}x`))).toMatchObject({
      error: 'invalid_request',
      status: 400,
    });
  });

  it('reads 100 parameters and refuses more', () => {
    const query = (count: number): string =>
      Array.from({ length: count }, (_, i) => `p${i}=1`).join('&');
    expect(Parameters.fromQuery(query(100)).names()).toHaveLength(100);
    expect(thrownBy(() => Parameters.fromQuery(query(101))).error).toBe('invalid_request');
    expect(thrownBy(() => Parameters.fromQuery('a=1&'.repeat(101))).error).toBe('invalid_request');
  });

  it('reads a value of 8 kB, counted in bytes, and refuses a longer one', () => {
    expect(Parameters.fromQuery(`a=${'x'.repeat(8192)}`).get('a')).toHaveLength(8192);
    expect(thrownBy(() => Parameters.fromQuery(`a=${'x'.repeat(8193)}`)).error).toBe(
      'invalid_request',
    );
    expect(thrownBy(() => Parameters.fromQuery(`a=${'é'.repeat(4097)}`)).error).toBe(
      'invalid_request',
    );
  });
});

describe('Parameters.fromForm', () => {
  it.each([
    ['a plain object', { code: 'c', state: '' }],
    ['an object without a prototype', Object.assign(Object.create(null), { code: 'c', state: '' })],
    ['text', 'code=c&state='],
    ['bytes', Buffer.from('code=c&state=')],
  ])('reads a body the host left as %s, and not the query', (_kind, body) => {
    const parameters = Parameters.fromForm(aForm(body));
    expect(parameters.get('code')).toBe('c');
    expect(parameters.get('state')).toBeUndefined();
    expect(parameters.names()).toEqual(['code', 'state']);
  });

  it('reads no body as no parameters, and still not the query', () => {
    expect(Parameters.fromForm(aForm(undefined)).names()).toEqual([]);
  });

  it.each([
    ['a list', { a: ['1', '2'], b: 'x' }],
    ['a list of one', { a: ['1'], b: 'x' }],
    ['an object', { a: { x: '1' }, b: 'x' }],
    ['null', { a: null, b: 'x' }],
    ['raw duplicates', 'a=1&b=x&a=2'],
  ])('takes %s of a body parser for a repetition', (_kind, body) => {
    const parameters = Parameters.fromForm(aForm(body));
    expect(parameters.repeated).toEqual(['a']);
    expect(parameters.get('a')).toBeUndefined();
    expect(parameters.get('b')).toBe('x');
  });

  it('reads an own member called __proto__ as any other', () => {
    const body: unknown = JSON.parse('{"__proto__":"x","a":"1"}');
    const parameters = Parameters.fromForm(aForm(body));
    expect(parameters.get('__proto__')).toBe('x');
    expect(parameters.get('a')).toBe('1');
  });

  it.each([
    FORM,
    FORM.toUpperCase(),
    `${FORM};charset=utf-8`,
    `${FORM}; Charset=UTF-8`,
    `${FORM}; charset="utf-8"`,
    ` ${FORM} ; `,
  ])('takes the content type %j', (type) => {
    expect(Parameters.fromForm(aForm({ a: '1' }, { 'content-type': type })).get('a')).toBe('1');
  });

  it.each([
    undefined,
    '',
    'application/json',
    `${FORM}, application/json`,
    `application/json, ${FORM}`,
    `${FORM}x`,
    `${FORM}; charset=iso-8859-1`,
    `${FORM}; charset=utf-8; charset=utf-8`,
    `${FORM}; boundary=x`,
    [FORM, FORM],
  ])('refuses the content type %j', (type) => {
    const error = thrownBy(() => Parameters.fromForm(aForm({ a: '1' }, { 'content-type': type })));
    expect(error).toMatchObject({ error: 'invalid_request', status: 400 });
  });

  it('takes the identity encoding and refuses every other', () => {
    const encoded = (encoding: string): EndpointRequest =>
      aForm({ a: '1' }, { 'content-encoding': encoding });
    expect(Parameters.fromForm(encoded('Identity')).get('a')).toBe('1');
    for (const encoding of ['gzip', 'identity, gzip', '']) {
      expect(thrownBy(() => Parameters.fromForm(encoded(encoding))).status).toBe(400);
    }
  });

  it('takes 64 kB as announced and refuses more with 413', () => {
    const announced = (length: number): EndpointRequest =>
      aForm({ a: '1' }, { 'content-length': String(length) });
    expect(Parameters.fromForm(announced(65_536)).get('a')).toBe('1');
    expect(thrownBy(() => Parameters.fromForm(announced(65_537))).status).toBe(413);
  });

  it('takes 64 kB as found and refuses more with 413, whatever was announced', () => {
    const object = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, 'x'.repeat(8000)]));
    expect(Parameters.fromForm(aForm(object(8))).get('n7')).toHaveLength(8000);
    expect(thrownBy(() => Parameters.fromForm(aForm(object(9)))).status).toBe(413);
    const text = new URLSearchParams(object(9)).toString();
    expect(thrownBy(() => Parameters.fromForm(aForm(text))).status).toBe(413);
    expect(thrownBy(() => Parameters.fromForm(aForm(Buffer.from(text)))).status).toBe(413);
  });

  it.each([[[]], [null], [1], [true], [Buffer.from([0x61, 0x3d, 0xff])]])(
    'refuses a body that is no form: %j',
    (body) => {
      expect(thrownBy(() => Parameters.fromForm(aForm(body)))).toMatchObject({
        error: 'invalid_request',
        status: 400,
      });
    },
  );
});

describe('Parameters.assertSingle', () => {
  const parameters = Parameters.fromQuery('a=1&b=1&b=2');

  it('refuses any repetition when no name is given', () => {
    expect(thrownBy(() => parameters.assertSingle())).toMatchObject({
      error: 'invalid_request',
      description: 'A parameter was sent more than once.',
    });
    expect(() => Parameters.fromQuery('a=1&b=2').assertSingle()).not.toThrow();
  });

  it('refuses a repetition of a named parameter and no other', () => {
    expect(() => parameters.assertSingle('a', 'c')).not.toThrow();
    expect(thrownBy(() => parameters.assertSingle('a', 'b')).error).toBe('invalid_request');
  });
});

describe('Parameters, for every input', () => {
  const name = fc.string({ unit: 'grapheme' }).filter((text) => text.indexOf('[') <= 0);
  const pairs = fc.uniqueArray(fc.tuple(name, fc.string()), {
    maxLength: 20,
    selector: ([name]) => name,
  });

  it('gives back what was sent once', () => {
    fc.assert(
      fc.property(pairs, (sent) => {
        const text = new URLSearchParams(sent).toString();
        const found = [Parameters.fromQuery(text), Parameters.fromForm(aForm(text))];
        for (const parameters of found) {
          for (const [name, value] of sent) expect(parameters.get(name)).toBe(value || undefined);
          expect(parameters.repeated).toEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('reads a parsed form like the raw one', () => {
    fc.assert(
      fc.property(pairs, (sent) => {
        const raw = Parameters.fromForm(aForm(new URLSearchParams(sent).toString()));
        const parsed = Parameters.fromForm(aForm(Object.fromEntries(sent)));
        for (const [name] of sent) expect(parsed.get(name)).toBe(raw.get(name));
      }),
      { numRuns: 1000 },
    );
  });

  it('throws nothing but an OAuthError', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('a', '=', '&', '%', '%ff', '%00', '[', ']', ';', '+', '__proto__', '?'),
      maxLength: 400,
    });
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string(), fc.anything()), (body) => {
        const parse = (): unknown =>
          typeof body === 'string'
            ? Parameters.fromQuery(body).names()
            : Parameters.fromForm(aForm(body)).names();
        try {
          expect(Array.isArray(parse())).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
