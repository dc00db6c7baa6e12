import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  RedirectUriAllowList,
  redirectUriPatternIssues,
} from '../../lib/oauth-proxy/clients/redirect-uri-allow-list.js';
import {
  matchesRedirectUri,
  redirectUriProblem,
} from '../../lib/oauth-proxy/clients/redirect-uri.js';
import { propertyRuns } from '../support/property-runs.js';

const options = { numRuns: propertyRuns() };
const loopbackHosts = ['127.0.0.1', '[::1]', 'localhost'];

/** A part of a URI, and whether a redirect URI may have it. */
interface Part {
  readonly text: string;
  readonly isGood: boolean;
}

/** A redirect URI in its parts: whoever has these needs no parser to judge it. */
interface Sample {
  readonly scheme: string;
  readonly user: string;
  readonly host: Part;
  readonly port: Part;
  readonly path: Part;
  readonly query: Part;
  readonly fragment: string;
}

const good = (...texts: readonly string[]): Part[] => texts.map((text) => ({ text, isGood: true }));
const bad = (...texts: readonly string[]): Part[] => texts.map((text) => ({ text, isGood: false }));

/** Mostly of the first list, so that one defect rarely hides behind another. */
function mostly<T>(usual: readonly T[], odd: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
}

const segment = mostly(
  good('', 'cb', 'oauth', 'CB', 'a.b', '...', '%2e%2e%2e', ':@', '*', 'a;b', '%2f', '~', '%00'),
  bad('.', '..', '%2e', '%2E.', '.%2e', '..;', '%2f..', 'a%5c..', '..%2Fa', '%5C%2e%2E%5C'),
);
const path = fc.array(segment, { maxLength: 3 }).map((segments) => ({
  text: segments.map(({ text }) => `/${text}`).join(''),
  isGood: segments.every(({ isGood }) => isGood),
}));

const sample: fc.Arbitrary<Sample> = fc.record({
  scheme: mostly(
    ['https', 'http', 'cursor', 'com.example.app'],
    ['HTTPS', 'javascript', 'JavaScript', 'data', 'file', 'vbscript', 'ms-word', 'ws', 'blob'],
  ),
  user: mostly([''], ['user@', 'user:secret@', '@']),
  host: mostly(
    good(...loopbackHosts, ...loopbackHosts, 'app.test', 'a.app.test', '[2001:db8::1]', 'App.test'),
    bad('', '0x7f.1', '127.1', '2130706433', '[2001:db8:0::1]', '%61pp.test', 'app.test%2fevil'),
  ),
  port: mostly(
    good('', '', ':1', ':8443', ':65535'),
    bad(':', ':65536', ':99999', ':08443', ':-1', ':1a'),
  ),
  path,
  query: mostly(
    good('', '', '?', '?a=1', '?codes=1&xstate', '?a=code', '?%2563ode=1', '?CODE=1'),
    bad('?code=1', '?a=1&state=', '?iss', '?%63ode', '?a&err%6Fr=x', '?error_uri=&b'),
  ),
  fragment: mostly([''], ['#', '#f']),
});

const isWeb = ({ scheme }: Sample): boolean => /^https?$/i.test(scheme);
const isLoopback = ({ host }: Sample): boolean => loopbackHosts.includes(host.text);

const textOf = ({ scheme, user, host, port, path, query, fragment }: Sample): string =>
  `${scheme}://${user}${host.text}${port.text}${path.text}${query.text}${fragment}`;

function isAllowed(uri: Sample): boolean {
  const { scheme, user, host, port, path, query, fragment } = uri;
  if (user !== '' || fragment !== '' || !path.isGood || !query.isGood) return false;
  if (!isWeb(uri)) return ['cursor', 'com.example.app'].includes(scheme);
  return host.isGood && port.isGood && (scheme !== 'http' || isLoopback(uri));
}

const allowed = sample.filter(isAllowed);

/** A URI in which something was put in the place of up to two characters. */
const edited = fc
  .tuple(
    allowed.map(textOf),
    fc.nat(),
    fc.nat(2),
    fc.constantFrom('', ...Array.from(':/?@.#%09aZ[]\n ')),
  )
  .map(([uri, at, removed, inserted]) => {
    const place = at % (uri.length + 1);
    return uri.slice(0, place) + inserted + uri.slice(place + removed);
  });

describe('What is wrong with a redirect URI', () => {
  it('is wrong with one of its parts', () => {
    fc.assert(
      fc.property(sample, (uri) => {
        expect([textOf(uri), redirectUriProblem(textOf(uri)) === null]).toEqual([
          textOf(uri),
          isAllowed(uri),
        ]);
      }),
      options,
    );
  });

  it('is, for a web application, also everything but https on another machine', () => {
    fc.assert(
      fc.property(sample, (uri) => {
        const isFit = isAllowed(uri) && /^https$/i.test(uri.scheme) && !isLoopback(uri);
        expect([textOf(uri), redirectUriProblem(textOf(uri), 'web') === null]).toEqual([
          textOf(uri),
          isFit,
        ]);
      }),
      options,
    );
  });

  it('is every character that a URI cannot have, wherever it stands', () => {
    const foreign = fc.oneof(
      fc.constantFrom(...Array.from('\\#<>"`{}|^ \t\r\n\0\u007f\u00a0\u2028\u3002\uff0f')),
      fc.integer({ min: 0x7f, max: 0x10_ffff }).map((code) => String.fromCodePoint(code)),
    );
    fc.assert(
      fc.property(allowed, foreign, fc.nat(), (uri, character, at) => {
        const text = textOf(uri);
        const place = at % (text.length + 1);
        const edited = text.slice(0, place) + character + text.slice(place);
        expect([edited, redirectUriProblem(edited)]).toEqual([edited, expect.any(String)]);
      }),
      options,
    );
  });
});

/** The URI without the port of its `http` loopback host, read byte for byte; or undefined. */
function withoutPort(uri: string): string | undefined {
  const start = loopbackHosts.map((host) => `http://${host}`).find((s) => uri.startsWith(s));
  if (start === undefined || ['\n', '\r', '\u2028', '\u2029'].some((c) => uri.includes(c))) {
    return undefined;
  }
  let end = start.length;
  if (uri[end] === ':')
    do end += 1;
    while ('0123456789'.includes(uri[end] ?? 'x'));
  const port = uri.slice(start.length, end);
  const isPort = port === '' || (port.length > 1 && port.length < 7 && +port.slice(1) < 65_536);
  const isEnd = end === uri.length || uri[end] === '/' || uri[end] === '?';
  return isPort && isEnd ? `${start} ${uri.slice(end)}` : undefined;
}

describe('A requested redirect URI', () => {
  it('matches what is the same, but for a port on loopback — RFC 8252 §7.3', () => {
    const parts = fc.subarray(['scheme', 'host', 'port', 'path', 'query'] as const);
    const near = fc.tuple(allowed, sample, parts).map(([known, other, kept]) => {
      const same = Object.fromEntries(kept.map((part) => [part, known[part]]));
      return { known: textOf(known), asked: textOf({ ...other, user: '', fragment: '', ...same }) };
    });
    const others = fc.array(allowed.map(textOf), { maxLength: 3 });
    const far = fc.oneof(edited, fc.string());
    fc.assert(
      fc.property(near, others, fc.option(far), fc.boolean(), (near, others, far, isAmong) => {
        const uri = far ?? near.asked;
        const list = [...others, near.known, ...(isAmong ? [uri] : [])];
        const wanted = withoutPort(uri);
        const expected = list.some(
          (one) => one === uri || (wanted !== undefined && withoutPort(one) === wanted),
        );
        expect([list, uri, matchesRedirectUri(list, uri)]).toEqual([list, uri, expected]);
      }),
      options,
    );
  });

  it('is refused when any byte outside the port of a loopback host is another', () => {
    const character = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 });
    const edit = fc.constantFrom('insert', 'replace', 'remove');
    fc.assert(
      fc.property(allowed, fc.nat(), edit, character, (uri, at, edit, c) => {
        const text = textOf(uri);
        const place = at % (text.length + (edit === 'insert' ? 1 : 0));
        fc.pre(edit !== 'replace' || c !== text[place]);
        const portStart = `${uri.scheme}://${uri.host.text}`.length;
        const portEnd = portStart + uri.port.text.length;
        const isInPort = place >= portStart && place < portEnd + (edit === 'insert' ? 1 : 0);
        fc.pre(!(uri.scheme === 'http' && uri.port.text !== '' && isInPort));
        const asked =
          text.slice(0, place) +
          (edit === 'remove' ? '' : c) +
          text.slice(place + (edit === 'insert' ? 0 : 1));
        expect([text, asked, matchesRedirectUri([text], asked)]).toEqual([text, asked, false]);
      }),
      options,
    );
  });

  it('may have every port on loopback over http, and no other port anywhere else', () => {
    const port = fc.oneof(
      fc.constant(''),
      fc.integer({ min: 1, max: 99_999 }).map((p) => `:${p}`),
    );
    fc.assert(
      fc.property(allowed.filter(isWeb), port, (uri, text) => {
        const other = { ...uri, port: { text, isGood: true } };
        const isFree = uri.scheme === 'http' && Number(text.slice(1)) < 65_536;
        const matches = matchesRedirectUri([textOf(uri)], textOf(other));
        expect([text, matches]).toEqual([text, text === uri.port.text || isFree]);
      }),
      options,
    );
  });
});

/** A pattern in its parts. */
interface PatternSample {
  readonly uri: Sample;
  readonly anySubdomain: boolean;
  readonly anyPathBelow: boolean;
}

const patternText = ({ uri, anySubdomain, anyPathBelow }: PatternSample): string =>
  `${uri.scheme}://${anySubdomain ? '*.' : ''}${uri.host.text}${uri.port.text}${uri.path.text}` +
  (anyPathBelow ? '/*' : uri.query.text);

const patternSample = fc
  .record({ uri: sample, anySubdomain: fc.boolean(), anyPathBelow: fc.boolean() })
  .filter(({ uri }) => uri.port.isGood)
  .filter(({ uri }) => !uri.path.text.includes('*'))
  .filter((pattern) => redirectUriPatternIssues([patternText(pattern)], 'p').length === 0);

/** A pattern and a URI that has much of it. */
const pair = fc
  .tuple(
    patternSample,
    sample,
    fc.array(fc.constantFrom('scheme', 'host', 'port', 'path'), { maxLength: 4 }),
    fc.constantFrom('', '', 'a.', 'a.b.', 'x'),
  )
  .map(([pattern, other, kept, prefix]) => {
    const uri = { ...other, ...Object.fromEntries(kept.map((k) => [k, pattern.uri[k as 'host']])) };
    const host = { ...uri.host, text: prefix + uri.host.text };
    const below = pattern.anyPathBelow && kept.includes('path');
    const path = below ? { ...uri.path, text: `${uri.path.text}${other.path.text}` } : uri.path;
    return { pattern, uri: { ...uri, host, path } };
  });

function fits({ uri: wanted, anySubdomain, anyPathBelow }: PatternSample, uri: Sample): boolean {
  if (uri.scheme !== wanted.scheme || redirectUriProblem(textOf(uri)) !== null) return false;
  const [host, asked] = [wanted.host.text + wanted.port.text, uri.host.text + uri.port.text];
  const isHost = anySubdomain
    ? asked.length > host.length + 1 && asked.slice(-host.length - 1) === `.${host}`
    : isLoopback(wanted)
      ? uri.host.text === wanted.host.text && /^(?::\d{1,5})?$/.test(uri.port.text)
      : asked === host;
  if (!isHost) return false;
  return anyPathBelow
    ? uri.path.text.slice(0, wanted.path.text.length + 1) === `${wanted.path.text}/`
    : uri.path.text + uri.query.text === wanted.path.text + wanted.query.text;
}

describe('An allow-list', () => {
  it('allows what has the parts of a pattern, and nothing else', () => {
    fc.assert(
      fc.property(pair, ({ pattern, uri }) => {
        const [text, asked] = [patternText(pattern), textOf(uri)];
        const allows = new RedirectUriAllowList([text]).allows(asked);
        expect([text, asked, allows]).toEqual([text, asked, fits(pattern, uri)]);
      }),
      options,
    );
  });

  it('never allows what may not be registered', () => {
    const anything = fc.oneof(
      pair.map(({ uri }) => textOf(uri)),
      edited,
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(patternSample, { maxLength: 3 }), anything, (patterns, uri) => {
        const allows = new RedirectUriAllowList(patterns.map(patternText)).allows(uri);
        expect(allows && redirectUriProblem(uri) !== null).toBe(false);
      }),
      options,
    );
  });

  it('never allows a host that a browser reads as another than the pattern says', () => {
    fc.assert(
      fc.property(pair, ({ pattern, uri }) => {
        const asked = textOf(uri);
        if (!isWeb(uri) || !new RedirectUriAllowList([patternText(pattern)]).allows(asked)) return;
        const read = new URL(asked);
        const wanted = new URL(textOf({ ...pattern.uri, query: good('')[0] as Part }));
        expect(read.protocol).toBe(wanted.protocol);
        if (pattern.anySubdomain) expect(read.host.endsWith(`.${wanted.host}`)).toBe(true);
        else if (isLoopback(pattern.uri)) expect(read.hostname).toBe(wanted.hostname);
        else expect(read.host).toBe(wanted.host);
      }),
      options,
    );
  });
});
