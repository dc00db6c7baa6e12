import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { EndpointRequest } from '../../http/endpoint.js';
import { OAuthError } from '../../http/oauth-error.js';
import { Parameters } from '../../http/parameters.js';
import { invalidClient, readClientCredentials } from './client-credentials.js';

type Header = string | readonly string[] | undefined;

function read(form: string, authorization?: Header) {
  const headers = authorization === undefined ? {} : { authorization };
  const request: EndpointRequest = {
    method: 'POST',
    path: '/token',
    rawQuery: '',
    headers,
    body: form,
  };
  return readClientCredentials(request, Parameters.fromQuery(form));
}

function refusalOf(form: string, authorization?: Header): OAuthError {
  try {
    read(form, authorization);
  } catch (error) {
    if (error instanceof OAuthError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const jwt = (claims: object): string => {
  const encoded = [{ alg: 'ES256' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `${encoded.join('.')}.AAAA`;
};

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('readClientCredentials', () => {
  it('reads an id alone', () => {
    expect(read('client_id=c')).toEqual({ method: 'none', readings: [{ id: 'c' }] });
  });

  it('reads an id and a secret of the form', () => {
    const readings = [{ id: 'c', secret: 's' }];
    expect(read('client_id=c&client_secret=s')).toEqual({ method: 'client_secret_post', readings });
  });

  it.each(['Basic', 'basic', 'BASIC'])('reads the header, whatever its case: %s', (scheme) => {
    const header = basic('c:s').replace('Basic', scheme);
    const readings = [{ id: 'c', secret: 's' }];
    expect(read('', header)).toEqual({ method: 'client_secret_basic', readings });
  });

  it('reads the header as it is and form-decoded — RFC 6749 §2.3.1', () => {
    expect(read('', basic('c%3A1:a+b%25')).readings).toEqual([
      { id: 'c%3A1', secret: 'a+b%25' },
      { id: 'c:1', secret: 'a b%' },
    ]);
  });

  it('leaves malformed escapes as they are', () => {
    expect(read('', basic('c:100%')).readings).toEqual([{ id: 'c', secret: '100%' }]);
  });

  it('takes everything behind the first colon for the secret', () => {
    expect(read('', basic('c:s:t')).readings).toEqual([{ id: 'c', secret: 's:t' }]);
    expect(read('', basic('c:')).readings).toEqual([{ id: 'c', secret: '' }]);
  });

  it('takes an id in the form beside the header when it is the same', () => {
    expect(read('client_id=c', basic('c:s')).readings).toHaveLength(1);
    expect(refusalOf('client_id=d', basic('c:s'))).toMatchObject({ error: 'invalid_client' });
  });

  it('reads an assertion, and whose it is — RFC 7521 §4.2', () => {
    const assertion = jwt({ sub: 'c' });
    const form = `client_assertion_type=${assertionType}&client_assertion=${assertion}`;
    const readings = [{ id: 'c', assertion }];
    expect(read(form)).toEqual({ method: 'private_key_jwt', readings });
    expect(read(`${form}&client_id=c`)).toEqual({ method: 'private_key_jwt', readings });
    // Not believed, and not compared: the one who verifies it does both.
    expect(read(`${form}&client_id=d`).readings).toEqual([{ id: 'd', assertion }]);
  });

  it.each([
    ['without its type', `client_assertion=${jwt({ sub: 'c' })}`],
    ['without itself', `client_assertion_type=${assertionType}`],
    ['of another type', `client_assertion_type=x&client_assertion=${jwt({ sub: 'c' })}`],
    ['about nobody', `client_assertion_type=${assertionType}&client_assertion=${jwt({})}`],
    ['about no text', `client_assertion_type=${assertionType}&client_assertion=${jwt({ sub: 7 })}`],
    [
      'about an empty text',
      `client_assertion_type=${assertionType}&client_assertion=${jwt({ sub: '' })}`,
    ],
    ['that is no JWT', `client_assertion_type=${assertionType}&client_assertion=x`],
  ])('refuses an assertion %s', (_name, form) => {
    expect(refusalOf(form)).toMatchObject({ error: 'invalid_client', status: 401, headers: {} });
  });

  it('refuses an assertion beside any other way', () => {
    for (const one of [`client_assertion=${jwt({ sub: 'c' })}`, 'client_assertion_type=x']) {
      const refusals = [
        refusalOf(`${one}&client_secret=s`),
        refusalOf(one, basic('c:s')),
        refusalOf(`${one}&client_secret=s`, basic('c:s')),
      ];
      for (const refusal of refusals) {
        expect(refusal).toMatchObject({ error: 'invalid_request', status: 400 });
      }
    }
  });

  it('refuses two ways at once, and none', () => {
    const twice = refusalOf('client_id=c&client_secret=s', basic('c:s'));
    expect(twice).toMatchObject({ error: 'invalid_request', status: 400 });
    expect(refusalOf('')).toMatchObject({ error: 'invalid_request', status: 400 });
    expect(refusalOf('client_secret=s')).toMatchObject({ error: 'invalid_request', status: 400 });
  });

  it.each([
    ['of another scheme', 'Bearer abc'],
    ['without credentials', 'Basic'],
    ['with empty credentials', 'Basic '],
    ['that is no base64', 'Basic !!!'],
    ['in the alphabet of URLs', `Basic ${Buffer.from('c:\u00fb\u00ff').toString('base64url')}`],
    ['in another spelling of base64', 'Basic Yzpz='],
    ['with loose bits', 'Basic Yzp='],
    ['without a colon', basic('c')],
    ['without an id', basic(':s')],
    ['with a NUL', basic('c\u0000:s')],
    ['that is no UTF-8', `Basic ${Buffer.from([0x63, 0x3a, 0xff]).toString('base64')}`],
    ['too long', basic(`c:${'s'.repeat(8192)}`)],
    ['sent twice', [basic('c:s'), basic('d:s')]],
  ])('refuses a header %s', (_name, header) => {
    const refusal = refusalOf('', header);
    expect(refusal).toMatchObject({ error: 'invalid_client', status: 401 });
    expect(refusal.headers).toEqual({ 'WWW-Authenticate': 'Basic realm="token"' });
  });

  it('finds what was sent among its readings, whatever it was', () => {
    const text = fc.string({ minLength: 1, maxLength: 30 }).filter((t) => !t.includes('\u0000'));
    fc.assert(
      fc.property(text, text, (id, secret) => {
        const encode = (t: string): string => new URLSearchParams({ t }).toString().slice(2);
        const encoded = basic(`${encode(id)}:${encode(secret)}`);
        expect(read('', encoded).readings).toContainEqual({ id, secret });
        if (!id.includes(':') && !/\ufffd/.test(id + secret)) {
          expect(read('', basic(`${id}:${secret}`)).readings).toContainEqual({ id, secret });
        }
      }),
    );
  });
});

describe('invalidClient', () => {
  it('challenges only who tried the header — RFC 6749 §5.2', () => {
    expect(invalidClient('form').headers).toEqual({});
    expect(invalidClient('basic').description).toBe(invalidClient('form').description);
  });
});
