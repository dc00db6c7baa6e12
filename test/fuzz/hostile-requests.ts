// A grammar of HTTP requests that are mostly almost right: what is wrong everywhere is refused at
// the first byte, and shows nothing of the code behind.
import * as fc from 'fast-check';

/** What the sender does with the connection when everything is written. */
export type Farewell = 'wait' | 'half-close' | 'reset';

export interface HostileRequest {
  /** One byte a character. */
  readonly bytes: string;
  /** Where the bytes are cut: each part is written for itself. */
  readonly cuts: readonly number[];
  readonly farewell: Farewell;
}

/** What a request may hit upon: real names and values, so that some get far. */
export interface Dictionary {
  readonly path: string;
  readonly host: string;
  readonly methods: readonly string[];
  readonly mediaType: 'json' | 'form';
  /** The header lines without which no request is taken. */
  readonly headers: readonly string[];
  /** Every name that means something there, with the value of a good request. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Values that are good somewhere else. */
  readonly values: readonly string[];
  readonly cookies: string;
  readonly bearer: string;
}

type Text = fc.Arbitrary<string>;

/** Mostly one of the usual texts. */
function mostly(usual: readonly string[] | Text, odd: readonly string[] | Text, of = 5): Text {
  const arbitrary = (from: readonly string[] | Text): Text =>
    Array.isArray(from) ? fc.constantFrom(...(from as readonly string[])) : (from as Text);
  return fc.oneof(
    { weight: of, arbitrary: arbitrary(usual) },
    { weight: 1, arbitrary: arbitrary(odd) },
  );
}

const formType = 'application/x-www-form-urlencoded';
const octets = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const long = fc
  .tuple(
    fc.constantFrom('x', '%', '%41', '[', '\u00e9'),
    fc.constantFrom(300, 9000, 17_000, 70_000),
  )
  .map(([unit, length]) => unit.repeat(length / unit.length));

const escaped = (text: string): string => encodeURIComponent(text);

const oddName = fc.constantFrom(
  ...'__proto__|constructor|toString|a[]|a[b]|client_id[]|code[0]|client_id%00|%zz|hasOwnProperty|'.split(
    '|',
  ),
);
const oddValue = fc.oneof(
  fc.constantFrom('', '%', '%ff', '%00', '%0d%0aSet-Cookie:a=b', '[object Object]', '-1', 'null'),
  fc.constantFrom(
    'https://u:p@evil.test/',
    'http://127.0.0.1:1/',
    'javascript:alert(1)',
    'a b',
    '"',
  ),
  octets,
  fc.string({ unit: 'binary', maxLength: 20 }).map(escaped),
  { weight: 1, arbitrary: long },
);

function formText({ parameters, values }: Dictionary): Text {
  const value = fc.oneof(fc.constantFrom(...values.map(escaped)), oddValue);
  const good = Object.entries(parameters).map(
    ([name, right]) => `${name}=${escaped(String(right))}`,
  );
  const name = mostly(Object.keys(parameters), oddName);
  const pair = fc.tuple(name, mostly(['='], ['', '==', ';']), value).map((parts) => parts.join(''));
  const edits = fc.array(pair, { maxLength: 2 });
  const nearlyGood = fc.tuple(fc.shuffledSubarray(good, { minLength: 1 }), edits);
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(good.join('&')) },
    { weight: 8, arbitrary: nearlyGood.map((parts) => parts.flat().join('&')) },
    { weight: 4, arbitrary: edits.map((pairs) => [...good, ...pairs].join('&')) },
    { weight: 4, arbitrary: fc.array(pair, { maxLength: 12 }).map((pairs) => pairs.join('&')) },
    { weight: 1, arbitrary: fc.constantFrom(300, 5000).map((n) => 'a=1&'.repeat(n)) },
    { weight: 1, arbitrary: octets },
  );
}

function jsonText({ parameters, values }: Dictionary): Text {
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(...values, null, true, -1, 1e308, {}, [], [[]], { length: 1e9 }),
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(['https://app.test/cb', 7], ['refresh_token'], ['javascript:/x'], '2.0'),
    oddValue,
  );
  const key = mostly(Object.keys(parameters), oddName, 8);
  const random = fc.dictionary(key, leaf, { maxKeys: 10 });
  const nearlyGood = fc
    .tuple(fc.subarray(Object.entries(parameters)), fc.dictionary(key, leaf, { maxKeys: 1 }))
    .map(([kept, edits]) => ({ ...Object.fromEntries(kept), ...edits }));
  const object = fc.oneof(fc.constant(parameters), nearlyGood, nearlyGood, random);
  const text = object.map((value) => JSON.stringify(value));
  const nested = fc
    .tuple(fc.constantFrom('[', '{"a":'), fc.constantFrom(10, 5000, 30_000))
    .map(([open, depth]) => open.repeat(depth));
  return fc.oneof(
    { weight: 12, arbitrary: text },
    { weight: 1, arbitrary: text.map((json) => json.slice(0, -2)) },
    { weight: 1, arbitrary: text.map((json) => `${json},${json}`) },
    { weight: 1, arbitrary: text.map((json) => `[${json},1]`) },
    { weight: 1, arbitrary: nested },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('{"__proto__":{"a":1}}', '{"a":1,"a":2}', '\u00ff{}', '1e999'),
    },
  );
}

function headerLines({
  host,
  cookies,
  bearer,
  headers,
  values,
}: Dictionary): fc.Arbitrary<string[]> {
  const value = mostly(
    values.concat('', 'x', '%', '"', ',,', '\u00ff', '-1'),
    fc.oneof(oddValue, octets),
    20,
  );
  const named = fc
    .tuple(
      fc.constantFrom(
        ...(
          'Accept Accept-Encoding Accept-Language Access-Control-Request-Method Authorization ' +
          'Content-Encoding Content-Language Cookie DPoP Expect Forwarded If-Match If-None-Match ' +
          'MCP-Protocol-Version Mcp-Session-Id Origin Range Referer Sec-Fetch-Dest Sec-Fetch-Mode ' +
          'Sec-Fetch-Site TE Trailer Upgrade User-Agent Via X-Forwarded-For X-Forwarded-Host ' +
          'X-Forwarded-Proto X-HTTP-Method-Override __proto__ constructor'
        ).split(' '),
      ),
      value,
    )
    .map(([name, text]) => `${name}: ${text}`);
  const known = fc.constantFrom(
    `Cookie: ${cookies}`,
    `Cookie: ${cookies}; ${cookies.replace(/=./g, '=x')}`,
    `Cookie: ${'a=b; '.repeat(1000)}`,
    `Authorization: Bearer ${bearer}`,
    `Authorization: Bearer ${bearer.slice(0, -3)}`,
    `Authorization: bearer  ${'a'.repeat(15_000)}`,
    'Authorization: Bearer a.b.c',
    'Authorization: Bearer eyJhbGciOiJub25lIn0.e30.',
    'Authorization: Basic Og==',
    'Authorization: Basic \u00ff\u00fe',
    'Authorization: DPoP x',
    'Authorization:',
    `Origin: http://${host}`,
    'Origin: null',
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Site: cross-site',
    'Accept: application/json, text/event-stream',
    'Accept-Language: ,;q=,*;q=9,zz-\u00ff',
    'Content-Encoding: gzip',
    'Content-Encoding: identity',
    'Expect: 100-continue',
    'Expect: 200-ok',
    'Upgrade: websocket\r\nConnection: Upgrade',
    'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    'Host: evil.test',
  );
  const broken = fc.constantFrom(
    'no colon',
    ': no name',
    'Spaced : x',
    'Folded: a\r\n b',
    'Nul: a\0b',
    'Return: a\rb',
    `Big: ${'x'.repeat(20_000)}`,
    Array.from({ length: 300 }, (_, i) => `H${i}: x`).join('\r\n'),
  );
  const needed = fc.constantFrom(headers, headers, headers, []);
  const line = fc.oneof(
    { weight: 20, arbitrary: known },
    { weight: 12, arbitrary: named },
    { weight: 1, arbitrary: broken },
  );
  return fc.tuple(needed, fc.array(line, { maxLength: 4 })).map((lists) => lists.flat());
}

function targets({ path }: Dictionary, query: Text): Text {
  const odd = [
    ...'|*|/|//|/%|http://|http://[|/%2e|\\'.split('|').map((prefix) => prefix + path.slice(1)),
    ...'/|//|/.|/../x|%00|%ff|%zz|;a=b|%2f|\u00e9| x|#x'.split('|').map((suffix) => path + suffix),
    ...['http://evil.test', 'https:', 'http://', '/'].map((prefix) => prefix + path),
    path.toUpperCase(),
  ];
  const withQuery = query.map((text) => `?${text}`);
  return fc
    .tuple(mostly([path], odd, 12), fc.oneof(fc.constant(''), withQuery))
    .map((parts) => parts.join(''));
}

/** The header lines that frame the body, and the body as it is framed: honestly, or not. */
function framed(body: Text): fc.Arbitrary<{ lines: string[]; sent: string }> {
  const lengths = [
    '0',
    '-1',
    '+5',
    '5, 5',
    '0x10',
    '1e3',
    '',
    ' ',
    '99999999999999999999',
    '70000',
  ];
  const chunkSizes = ['0', 'zz', '-1', '', 'ffffffffffffffff', '5;a="b"', '5 ', '1\0'];
  const codings = ['gzip', 'chunked, chunked', 'xchunked', 'identity', ' chunked', 'chunked\0'];
  const sizeOf = (text: string): string => text.length.toString(16);
  const chunk = (size: string, text: string): string => `${size}\r\n${text}\r\n`;
  const chunked = 'Transfer-Encoding: chunked';
  return fc.tuple(body, fc.nat(48), fc.nat(), fc.nat(7)).map(([text, way, at, odd]) => {
    const length = `Content-Length: ${text.length}`;
    const end = at % (text.length + 1);
    const [head, tail] = [text.slice(0, end), text.slice(end)];
    const whole = `${head && chunk(sizeOf(head), head)}${tail && chunk(sizeOf(tail), tail)}`;
    if (way < 32) return { lines: [length], sent: text };
    if (way < 40) return { lines: [chunked], sent: `${whole}0\r\n\r\n` };
    return (
      [
        { lines: [], sent: text },
        { lines: [`Content-Length: ${lengths[odd]}`], sent: text },
        { lines: [`Content-Length: ${text.length + 1 + odd}`], sent: text },
        { lines: [length, `Content-Length: ${end}`], sent: text },
        { lines: [length, chunked], sent: `${whole}0\r\n\r\n` },
        { lines: [chunked], sent: chunk(chunkSizes[odd] ?? '', text) },
        { lines: [chunked], sent: `${whole}0\r\nTrailer: ${head.slice(0, 20)}\r\n\r\n` },
        {
          lines: [`Transfer-Encoding: ${codings[odd % codings.length]}`],
          sent: `${whole}0\r\n\r\n`,
        },
      ][way - 40] ?? { lines: [chunked], sent: whole }
    );
  });
}

/** Requests of one path; with no two alike, and few that are taken. */
export function hostileRequests(dictionary: Dictionary): fc.Arbitrary<HostileRequest> {
  const form = formText(dictionary);
  const isJson = dictionary.mediaType === 'json';
  const typed = fc.oneof(
    { weight: isJson ? 1 : 12, arbitrary: form.map((text) => [formType, text] as const) },
    {
      weight: isJson ? 12 : 1,
      arbitrary: jsonText(dictionary).map((text) => ['application/json', text] as const),
    },
    { weight: 1, arbitrary: octets.map((text) => ['application/octet-stream', text] as const) },
  );
  const type = fc.constantFrom(
    ...'|text/plain|application/xml|multipart/form-data; boundary=x|*/*|/|\u00ff'.split('|'),
    ...['; charset=utf-7', '; charset=utf-8', ', text/html', ';'].map((end) => formType + end),
    ...'application/json; charset=utf-16|application/json;|application/vnd.api+json'.split('|'),
  );
  const body = typed.chain(([usual, text]) =>
    fc.record({ type: mostly([usual], type, 12), framing: framed(fc.constant(text)) }),
  );
  const oddMethods = [
    'HEAD',
    'PUT',
    'DELETE',
    'OPTIONS',
    'PATCH',
    'TRACE',
    'CONNECT',
    'PROPFIND',
    'M-SEARCH',
    'QUERY',
    'PRI',
    'get',
    'FOO',
    '',
    'P\0ST',
    'X'.repeat(300),
  ];
  return fc
    .record({
      method: mostly(dictionary.methods, oddMethods, 12),
      target: targets(dictionary, form),
      version: mostly(
        ['HTTP/1.1'],
        ['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', 'HTTX/1', ''],
        15,
      ),
      host: mostly(
        [`Host: ${dictionary.host}`],
        ['Host:', 'Host: evil.test', 'Host: a b', 'X: x', 'Host: [::1'],
        12,
      ),
      connection: mostly(['Connection: close'], ['Connection: keep-alive', 'Connection: x']),
      lines: headerLines(dictionary),
      body,
      hasBody: fc.nat(4),
      lineEnd: mostly(['\r\n'], ['\n', '\r', '\r\n\r\n'], 60),
      cutAt: fc.array(fc.nat(), { maxLength: 3 }),
      truncation: fc.nat(20),
      repeats: fc.nat(20),
      farewell: fc.constantFrom<Farewell>(
        'wait',
        'wait',
        'wait',
        'wait',
        'wait',
        'half-close',
        'reset',
      ),
    })
    .map((r) => {
      const { framing, type } = r.body;
      const withBody = r.method !== 'GET' || r.hasBody === 0;
      const framingLines = withBody ? [`Content-Type: ${type}`, ...framing.lines] : [];
      const head = [
        `${r.method} ${r.target} ${r.version}`,
        r.host,
        r.connection,
        ...r.lines,
        ...framingLines,
      ];
      const one = `${head.join(r.lineEnd)}${r.lineEnd}${r.lineEnd}${withBody ? framing.sent : ''}`;
      const whole = Buffer.from(r.repeats === 0 ? one + one : one, 'latin1').toString('latin1');
      const bytes = r.truncation === 0 ? whole.slice(0, (r.cutAt[0] ?? 0) % whole.length) : whole;
      const cuts = r.cutAt.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b);
      return { bytes, cuts, farewell: r.farewell };
    });
}
