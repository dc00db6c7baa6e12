import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { OAuthError } from '../../lib/http/oauth-error.js';
import { Parameters } from '../../lib/http/parameters.js';
import { propertyRuns } from '../support/property-runs.js';
import { aRequest, formType } from './requests.js';

const options = { numRuns: propertyRuns() };

/** What was read: the pairs as sent, or that it was refused. */
type Reading = readonly (readonly [name: string, value: string])[] | 'refused';

/** WHATWG URL §5.1, byte by byte, without the platform's parser. */
function readForm(text: string): Reading {
  const pairs = text
    .split('&')
    .filter((piece) => piece !== '')
    .map((piece) => {
      const equals = piece.indexOf('=');
      const [name, value] =
        equals < 0 ? [piece, ''] : [piece.slice(0, equals), piece.slice(equals + 1)];
      return [decoded(name), decoded(value)] as const;
    });
  const isTooMuch = pairs.length > 100 || pairs.some(([, v]) => Buffer.byteLength(v) > 8192);
  return isTooMuch ? 'refused' : pairs;
}

function decoded(text: string): string {
  const sent = Buffer.from(text.replaceAll('+', ' '));
  const bytes: number[] = [];
  for (let i = 0; i < sent.length; i++) {
    const hex = sent.toString('latin1', i + 1, i + 3);
    const isEscape = sent[i] === 0x25 && /^[0-9a-f]{2}$/i.test(hex);
    bytes.push(isEscape ? Number.parseInt(hex, 16) : (sent[i] ?? 0));
    if (isEscape) i += 2;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** Compares the parameters with the reading in all that one may ask of them. */
function expectReading(read: () => Parameters, reading: Reading, body: string): void {
  if (reading === 'refused') {
    expect(read).toThrow(OAuthError);
    return;
  }
  const parameters = read();
  const names = [...new Set(reading.map(([name]) => name))];
  const asked = [...names, 'client_id', 'a', 'b', '__proto__', 'toString'];
  const expected = asked.map((name) => {
    const values = reading.filter(([n]) => n === name).map(([, value]) => value);
    const isList = names.some((n) => name !== '' && n.startsWith(`${name}[`));
    const isRepeated = values.length > 1 || isList;
    return [name, isRepeated ? undefined : values[0] || undefined, isRepeated, isRepeated];
  });
  const found = asked.map((name) => [
    name,
    parameters.get(name),
    parameters.repeated.includes(name),
    isRefused(() => parameters.assertSingle(name)),
  ]);
  expect([body, parameters.names(), found]).toEqual([body, names, expected]);
}

function isRefused(action: () => void): boolean {
  try {
    action();
    return false;
  } catch (error) {
    return error instanceof OAuthError;
  }
}

/** Text with the grammar's own characters, escapes whole and broken, and names that meet again. */
const anyForm = fc.string({
  unit: fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom(
        ...'&|&|=|=|a|b|client_id|__proto__|toString|?|#|;|+| |[|]|[]|[a]'.split('|'),
        ...'%|%2|%20|%26|%3D|%2B|%25|%zz|%61|%5b|%5D|%00|%ff|%C3%A9|%E2%82|%EF%BB%BF'.split('|'),
        '\u00e9',
        '\ufeff',
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  ),
  maxLength: 60,
});

/**
 * A form is ASCII. Characters beyond it are read too, but beside a malformed escape Node's parser
 * takes only their lowest byte: the two are not tried together.
 */
const form = fc.oneof(
  anyForm.map((text) => Array.from(text, (c) => (c <= '\u007f' ? c : '')).join('')),
  anyForm.map((text) => text.replaceAll('%', '')),
);

const read = (body: unknown): Parameters => Parameters.fromForm(aRequest({ body }));

describe('A form', () => {
  it('is read as the standard says, with no value for what was sent twice', () => {
    fc.assert(
      fc.property(form, (text) => {
        const reading = readForm(text);
        expectReading(() => Parameters.fromQuery(text.replace(/^\?/, '&?')), reading, text);
        expectReading(() => read(text), reading, text);
        expectReading(() => read(Buffer.from(text)), reading, text);
      }),
      options,
    );
  });

  it('is refused beyond a hundred parameters, 8 kB a value, 16 kB a query, 64 kB a body', () => {
    const bytes = fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(0, 100, 8190, 8192) },
      { weight: 1, arbitrary: fc.constantFrom(8194, 9000) },
    );
    const value = fc
      .tuple(fc.constantFrom('xx', '%78x', '\u00e9', '%C3%A9', '++'), bytes)
      .map(([unit, bytes]) => unit.repeat(bytes / 2));
    const pairs = fc.tuple(fc.array(value, { maxLength: 9 }), fc.constantFrom(0, 80, 92, 99, 101));
    fc.assert(
      fc.property(pairs, ([values, fillers]) => {
        const text = [
          ...values.map((text, i) => `v${i}=${text}`),
          ...Array.from({ length: fillers }, (_, i) => `f${i}`),
        ].join('&');
        const reading = readForm(text);
        const bytes = Buffer.byteLength(text);
        expectReading(() => read(text), bytes > 65_536 ? 'refused' : reading, `${bytes} bytes`);
        const query = text.length > 16_384 ? 'refused' : reading;
        expectReading(() => Parameters.fromQuery(text), query, `${text.length} characters`);
      }),
      { numRuns: Math.ceil(options.numRuns / 10) },
    );
  });

  it('is read alike from the object that a host made of it', () => {
    const pairs = fc.array(
      fc.tuple(fc.constantFrom('a', 'b', 'c', '__proto__', 'd[]', 'd[x]'), fc.string()),
    );
    fc.assert(
      fc.property(pairs, (sent) => {
        const body: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
        for (const [name, value] of sent) body[name] = name in body ? [body[name], value] : value;
        expectObject(read(body), read(new URLSearchParams(sent).toString()));
      }),
      options,
    );
  });

  function expectObject(parsed: Parameters, raw: Parameters): void {
    for (const name of ['a', 'b', 'c', 'd', '__proto__']) {
      expect([name, parsed.get(name)]).toEqual([name, raw.get(name)]);
      expect([name, parsed.repeated.includes(name)]).toEqual([name, raw.repeated.includes(name)]);
    }
  }

  it('gives texts that were sent, or an OAuthError, whatever a host made of it', () => {
    const body = fc.oneof(
      fc.dictionary(fc.constantFrom('a', 'a[]', 'b', '__proto__', 'get'), fc.anything()),
      fc.uint8Array(),
      fc.anything({ withTypedArray: true, withNullPrototype: true, withMap: true }),
    );
    fc.assert(
      fc.property(body, (body) => {
        try {
          const parameters = read(body);
          for (const name of parameters.names()) {
            const value = parameters.get(name);
            if (value !== undefined) expect(typeof value === 'string' && value !== '').toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError);
        }
      }),
      options,
    );
  });

  it('is one by its media type in any case, and by no other', () => {
    const suffix = fc.constantFrom(
      '',
      ' ',
      ';',
      ';charset=utf-8',
      '; Charset="UTF-8"',
      '; charset=utf-16',
      ';charset=utf-8;charset=utf-8',
      ';a=b',
      ', text/html',
    );
    const known = ['', ' ', ';', ';charset=utf-8', '; Charset="UTF-8"'];
    fc.assert(
      fc.property(
        fc.nat(formType.length),
        fc.constantFrom('', 'x', '/', '-'),
        fc.boolean(),
        suffix,
        (at, c, isUpper, suffix) => {
          const type = formType.slice(0, at) + c + formType.slice(at);
          const header = (isUpper ? type.toUpperCase() : type) + suffix;
          const parse = (): Parameters =>
            Parameters.fromForm(aRequest({ body: 'a=1', headers: { 'content-type': header } }));
          if (c === '' && known.includes(suffix)) expect(parse().get('a')).toBe('1');
          else expect(parse).toThrow(OAuthError);
        },
      ),
      options,
    );
  });
});
