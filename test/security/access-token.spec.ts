// AT of the security matrix: where a token is looked for, and what may be one at all.
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import {
  all,
  base64url,
  EverySource,
  opaqueSources,
  outcomesOf,
  staticToken,
} from '../support/every-source.js';
import type { Answer } from '../support/proxy-flow.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('an access token in a request on %s', (platform) => {
  let every: EverySource;

  beforeAll(async () => {
    every = await EverySource.start({ idp, platform });
  });

  afterAll(() => every.close());

  const genuineTokens = (): Record<string, string> => ({
    ...Object.fromEntries(every.jwts.map(({ name, genuine }) => [name, genuine])),
    ...Object.fromEntries(opaqueSources.map(({ source, token }) => [source, token])),
  });

  const appOf = (name: string) => (name === 'own ES256' ? every.signed : every.main);

  it('of every source is accepted, in its own name', async () => {
    expect(await outcomesOf(every.jwts, ({ genuine }) => genuine)).toEqual(
      all(every.jwts, 'accepted'),
    );
    const seen: Record<string, unknown> = {};
    for (const [name, token] of Object.entries(genuineTokens())) {
      expect(await appOf(name).present(token)).toBe('accepted');
      const { source, issuer, subject } = appOf(name).door.seen ?? {};
      seen[name] = { source, issuer, subject };
    }
    expect(seen).toEqual({
      own: { source: 'OAuthProxy', issuer: every.main.flow.issuer, subject: 'alice' },
      'own ES256': { source: 'OAuthProxy', issuer: every.signed.flow.issuer, subject: 'alice' },
      jwks: { source: 'jwks', issuer: every.issuer.issuer, subject: 'user-of-jwks' },
      pem: { source: 'pem', issuer: 'https://pem.test', subject: 'user-of-pem' },
      discovered: {
        source: 'discovered',
        issuer: every.discovered.claims['iss'],
        subject: 'user-of-discovered',
      },
      static: { source: 'static', issuer: undefined, subject: 'robot' },
      custom: { source: 'custom', issuer: undefined, subject: 'house' },
      'api-key': { source: 'api-key', issuer: undefined, subject: 'key-owner' },
    });
  });

  it.each(['bearer', 'BEARER', 'bEaReR'])('is read after the scheme %s', async (scheme) => {
    const headers = { authorization: `${scheme} ${staticToken}` };
    expect(await every.main.outcomeOf(() => every.main.call('/mcp', headers))).toBe('accepted');
  });

  it.each<[string, Record<string, string>]>([
    ['no header', {}],
    ['an empty header', { authorization: '' }],
    ['Basic', { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }],
    ['DPoP', { authorization: `DPoP ${staticToken}` }],
    ['a scheme that begins alike', { authorization: `Bearers ${staticToken}` }],
    ['Bearer without a token', { authorization: 'Bearer' }],
    ['Bearer and a space', { authorization: 'Bearer ' }],
    ['the token alone', { authorization: staticToken }],
    ['another header', { 'x-authorization': `Bearer ${staticToken}` }],
    ['the proxy header', { 'proxy-authorization': `Bearer ${staticToken}` }],
  ])('with %s there are no credentials — AT-01', async (_what, headers) => {
    const asked = every.custom.asked.length;
    expect(await every.main.outcomeOf(() => every.main.call('/mcp', headers))).toBe('B401');
    expect(every.custom.asked).toHaveLength(asked);
  });

  it.each([
    'a b',
    'a,b',
    'a\tb',
    'a\u0080',
    '"a"',
    "'a'",
    '<a>',
    'a=b',
    '=',
    'a\\b',
    'a%20b',
    'a{b}',
    ' a',
    'Bearer a',
  ])('outside the grammar is refused before any source sees it: %j — AT-04', async (text) => {
    const { custom, main } = every;
    const before = { asked: custom.asked.length, reads: main.flow.app.store.total() };
    for (const token of [text, `${staticToken}${text}`, `${staticToken} ${text}`]) {
      if (token === `${staticToken}=`) continue; // padding is within the grammar
      expect([token, await main.present(token)]).toEqual([token, 'B400']);
    }
    expect({ asked: custom.asked.length, reads: main.flow.app.store.total() }).toEqual(before);
  });

  it('sent twice is refused, whichever comes first — AT-04', async () => {
    const good = `Bearer ${staticToken}`;
    for (const headers of [
      ['Authorization', good, 'authorization', 'Bearer other-token'],
      ['authorization', 'Bearer other-token', 'Authorization', good],
      ['Authorization', good, 'Authorization', good],
      ['Authorization', 'Basic YTpi', 'Authorization', good],
    ]) {
      const sent = () => rawRequest(every.main.flow.app.url, headers);
      expect(await every.main.outcomeOf(sent)).toBe('B400');
    }
    const once = () => rawRequest(every.main.flow.app.url, ['AUTHORIZATION', good]);
    expect(await every.main.outcomeOf(once)).toBe('accepted');
  });

  it('in the query, the body or a cookie is no token — AT-05', async () => {
    const { main } = every;
    for (const token of Object.values(genuineTokens())) {
      const url = `${main.flow.app.url}?access_token=${token}`;
      const sends = [
        () => main.flow.send(url),
        () => main.flow.send(url, { method: 'POST', form: { access_token: token } }),
        () => main.flow.send(main.flow.app.url, { form: { access_token: token } }),
        () => main.flow.send(main.flow.app.url, { json: { access_token: token } }),
        () => main.flow.send(main.flow.app.url, { headers: { cookie: `access_token=${token}` } }),
      ];
      for (const send of sends) expect(await main.outcomeOf(send)).toBe('B401');
    }
    // With a header as well, the one in the query is ignored.
    const url = `${main.flow.app.url}?access_token=other-token`;
    const headers = { authorization: `Bearer ${staticToken}` };
    expect(await main.outcomeOf(() => main.flow.send(url, { headers }))).toBe('accepted');
    const swapped = { authorization: 'Bearer other-token' };
    const query = `${main.flow.app.url}?access_token=${staticToken}`;
    expect(await main.outcomeOf(() => main.flow.send(query, { headers: swapped }))).toBe('B401i');
  });

  it('is demanded of every method that could carry a call', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const send = () => every.main.flow.send(every.main.flow.app.url, { method });
      expect([method, await every.main.outcomeOf(send)]).toEqual([method, 'B401']);
    }
  });

  it('that is too large is refused before it is read — AT-36', async () => {
    const { own, custom, main } = every;
    const before = { asked: custom.asked.length, reads: main.flow.app.store.total() };
    const padded = { ...own.claims, padding: 'x'.repeat(200_000) };
    // Node itself ends a request whose headers have more than 16 KB.
    expect(await main.present(own.sign(own.header, padded))).toBe('431');
    expect(await main.present('a'.repeat(200_000))).toBe('431');
    expect({ asked: custom.asked.length, reads: main.flow.app.store.total() }).toEqual(before);
  });

  it('with 1000 header members or deep JSON is one more bad token — AT-36', async () => {
    const crowded = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x${i}`, 0]));
    const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    const headers = [
      JSON.stringify({ ...every.own.header, ...crowded }),
      `{"alg":"HS256","x":${deep(5000)}}`,
    ];
    for (const header of headers) {
      expect(
        await outcomesOf(every.jwts, ({ genuine }) => genuine.replace(/^[^.]+/, base64url(header))),
      ).toEqual(all(every.jwts, 'B401i'));
    }
    // Deep claims that the genuine key signed do no harm either.
    const outcomes = await outcomesOf(every.jwts, ({ sign, header, claims }) =>
      sign(header, `${JSON.stringify(claims).slice(0, -1)},"deep":${deep(2000)}}`),
    );
    for (const outcome of Object.values(outcomes)) expect(outcome).toMatch(/^accepted$|^B401i$/);
  });
});

/** A request with its headers exactly as listed. */
function rawRequest(url: string, headers: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(url);
    const request = httpRequest(
      url,
      { method: 'GET', headers: ['Host', host, ...headers] as never },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            url,
            method: 'GET',
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on('error', reject).end();
  });
}
