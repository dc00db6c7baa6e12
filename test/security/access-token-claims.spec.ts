// AT of the security matrix: tokens with a genuine signature and claims that must not pass.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JwtVerifier } from '../../lib/index.js';
import { platforms } from '../support/app.js';
import { all, EverySource, type JwtSource, outcomesOf } from '../support/every-source.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

describe.each(platforms)('the claims of an access token on %s', (platform) => {
  let every: EverySource;

  beforeAll(async () => {
    every = await EverySource.start({
      idp,
      platform,
      // The upstream as an issuer of its own right: only what it makes for this app may pass.
      verifiers: (origin) => [
        new JwtVerifier({
          name: 'upstream',
          jwksUri: idp.endpoint('jwks'),
          issuer: idp.issuer,
          audience: `${origin}/mcp`,
        }),
      ],
    });
  });

  afterAll(() => every.close());

  type Change = (source: JwtSource) => Readonly<Record<string, unknown>>;

  const withClaims = (change: Change, sources = every.jwts) =>
    outcomesOf(sources, (source) =>
      source.sign(source.header, { ...source.claims, ...change(source) }),
    );

  const expectAll = async (outcome: string, change: Change, sources = every.jwts) => {
    expect(await withClaims(change, sources)).toEqual(all(sources, outcome));
  };

  const ownSources = () => every.jwts.filter((source) => !every.foreign.includes(source));

  it('pass when nothing is wrong', () => expectAll('accepted', () => ({})));

  it.each<[string, (issuer: string) => unknown]>([
    ['missing', () => undefined],
    ['another', () => 'https://evil.test'],
    ['with a slash more', (iss) => `${iss}/`],
    ['in a list', (iss) => [iss]],
    ['a prefix', (iss) => `${iss}.evil.test`],
    ['in capitals', (iss) => iss.toUpperCase()],
    ['with a space', (iss) => `${iss} `],
    ['null', () => null],
    ['an object', (iss) => ({ iss })],
  ])('with an iss that is %s — AT-16', async (_what, iss) => {
    await expectAll('B401i', ({ claims }) => ({ iss: iss(String(claims['iss'])) }));
  });

  it('that name another source of the same app as the issuer — AT-16, VC-07', async () => {
    for (const other of every.jwts) {
      for (const source of every.jwts) {
        if (other === source || other.app !== source.app) continue;
        const token = source.sign(
          { ...source.header, kid: other.header['kid'] },
          { ...source.claims, iss: other.claims['iss'] },
        );
        expect([source.name, other.name, await source.app.present(token)]).toEqual([
          source.name,
          other.name,
          'B401i',
        ]);
      }
    }
  });

  it.each<[string, (resource: string) => unknown]>([
    ['missing', () => undefined],
    ['another', () => 'https://evil.test/mcp'],
    ['the second resource', (rs) => `${rs}2`],
    ['an empty list', () => []],
    ['a list without the resource', (rs) => [`${rs}2`, 'https://evil.test']],
    ['a list of numbers', () => [1, 2]],
    ['a list with a number', (rs) => [rs, 1]],
    ['the origin', (rs) => new URL(rs).origin],
    ['a beginning of the resource', (rs) => rs.slice(0, -1)],
    ['the resource and a slash', (rs) => `${rs}/`],
    ['below the resource', (rs) => `${rs}/tools`],
    ['the resource in capitals', (rs) => rs.toUpperCase()],
    ['several in one text', (rs) => `https://evil.test ${rs}`],
    ['an object', (rs) => ({ [rs]: true })],
    ['null', () => null],
    ['the client id at the upstream', () => idp.client.id],
  ])('with an aud that is %s — AT-17', async (what, aud) => {
    // RFC 7519 §4.1.3 wants texts alone; a stray number beside the right text is the signer's own.
    const sources = what === 'a list with a number' ? every.foreign : every.jwts;
    await expectAll('B401i', ({ app }) => ({ aud: aud(app.flow.app.url) }), sources);
  });

  it('with the resource among several audiences — AT-18: accepted, as RFC 7519 says', async () => {
    const several: Change = ({ app }) => ({ aud: ['https://evil.test', app.flow.app.url] });
    await expectAll('accepted', several, every.foreign);
    // A token of this server is for the one resource that its grant is for.
    await expectAll('B401i', several, ownSources());
  });

  const withTyp = (typ: unknown, sources: readonly JwtSource[]) =>
    outcomesOf(sources, ({ sign, header: { typ: _, ...header }, claims }) =>
      sign(typ === undefined ? header : { ...header, typ }, claims),
    );

  it.each([
    'refresh+jwt',
    'logout+jwt',
    'id_token+jwt',
    'dpop+jwt',
    'oauth-authz-req+jwt',
    'token-introspection+jwt',
    'secevent+jwt',
    'consent',
    '',
    null,
    1,
    ['at+jwt'],
  ])('under the typ %j — AT-19', async (typ) => {
    expect(await withTyp(typ, every.jwts)).toEqual(all(every.jwts, 'B401i'));
  });

  it('under no typ, or JWT, pass only where an issuer may be so old — AT-19', async () => {
    const own = [every.own, every.ownEs256];
    for (const typ of [undefined, 'JWT']) {
      expect(await withTyp(typ, own)).toEqual(all(own, 'B401i'));
      expect(await withTyp(typ, every.foreign)).toEqual(all(every.foreign, 'accepted'));
    }
  });

  it('are judged at their time, the tolerance of 5 s for foreign clocks alone — AT-23', async () => {
    const own = [every.own, every.ownEs256];
    const at = (seconds: number): Change => {
      return () => ({ exp: every.clock.now() + seconds });
    };
    await expectAll('accepted', at(1));
    await expectAll('B401i', at(0), own);
    await expectAll('accepted', at(-4), every.foreign);
    await expectAll('B401i', at(-5), every.foreign);
    await expectAll('B401i', at(-3600));
  });

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['a text', '9999999999'],
    ['null', null],
    ['a list', [9_999_999_999]],
    ['true', true],
  ])('with an exp that is %s — AT-23', async (_what, exp) => {
    await expectAll('B401i', () => ({ exp }));
  });

  it('from the future do not pass yet — AT-24', async () => {
    for (const name of ['nbf', 'iat']) {
      await expectAll('B401i', () => ({ [name]: every.clock.now() + 3600 }));
      await expectAll('B401i', () => ({ [name]: 'tomorrow' }));
      await expectAll('accepted', () => ({ [name]: every.clock.now() }));
    }
    // Between instances of one server the clocks may differ, too.
    await expectAll('accepted', () => ({ iat: every.clock.now() + 5 }));
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['a text', { scope: 'mcp:use notes:read' }, 'accepted'],
    ['a text in scp', { scope: undefined, scp: 'mcp:use' }, 'accepted'],
    ['a list', { scope: ['notes:read', 'mcp:use'] }, 'accepted'],
    ['scope before scp, never both', { scope: 'notes:read', scp: 'mcp:use' }, 'B403'],
    ['a scope that is empty, and scp', { scope: '', scp: 'mcp:use' }, 'B403'],
    ['missing', { scope: undefined }, 'B403'],
    ['with commas', { scope: 'mcp:use,notes:read' }, 'B403'],
    ['with a tab', { scope: 'notes:read\tmcp:use' }, 'B401i'],
    ['several scopes in one element', { scope: ['notes:read mcp:use'] }, 'B401i'],
    ['nested', { scope: [['mcp:use']] }, 'B401i'],
    ['an object', { scope: { 'mcp:use': true } }, 'B401i'],
    ['a number', { scope: 7 }, 'B401i'],
    ['null', { scope: null, scp: 'mcp:use' }, 'B401i'],
    ['a list with a number', { scope: ['mcp:use', 7] }, 'B401i'],
  ])('with a scope that is %s — AT-30', async (_what, claims, outcome) => {
    await expectAll(outcome, () => claims, every.foreign);
    if (typeof claims['scope'] === 'string' || outcome !== 'accepted') return;
    // The proxy writes texts and understands nothing else.
    await expectAll('B401i', () => claims, [every.own, every.ownEs256]);
  });

  it('without the scope asked for: 403 that names it, and the handler does not run — AT-31', async () => {
    await expectAll('B403', () => ({ scope: 'notes:read' }));
    for (const { app, sign, header, claims } of every.jwts) {
      const token = sign(header, { ...claims, scope: 'notes:read' });
      const answer = await app.call('/mcp', { authorization: `Bearer ${token}` });
      expect(String(answer.headers['www-authenticate']).match(/scope="[^"]*"/g)).toEqual([
        'scope="mcp:use"',
      ]);
    }
  });

  it.each(['mcp:user', 'mcp:us', 'mcp', 'MCP:USE', 'mcp:use:all', 'mcp:*', '*', 'xmcp:use'])(
    'with a scope that only looks like it: %s — AT-32',
    async (scope) => {
      await expectAll('B403', () => ({ scope }), every.foreign);
      await expectAll('B403', () => ({ scope: `notes:read ${scope} ${scope}` }), every.foreign);
      // No token of this server has scopes that its grant does not have.
      await expectAll('B401i', () => ({ scope }), ownSources());
    },
  );

  it('expired and without the scope: the expiry is what counts — AT-31', () =>
    expectAll('B401i', () => ({ scope: 'notes:read', exp: every.clock.now() - 60 })));

  it.each([[''], [7], [null], [['alice']]])('with the subject %j', async (sub) => {
    await expectAll('B401i', () => ({ sub }));
  });

  it('of the upstream are not for this app: its tokens do not pass straight — AT-20', async () => {
    const bodies: Record<string, unknown>[] = [];
    const { main } = every;
    idp.setRedirectUris([`${main.flow.issuer}/auth/callback`]);
    idp.tamperNext('token', (body) => {
      bodies.push(body);
      return body;
    });
    const tokens = await main.flow.tokensFor(main.client);
    expect(await main.present(tokens.access_token)).toBe('accepted');
    const [upstream = {}] = bodies;
    for (const name of ['access_token', 'id_token', 'refresh_token']) {
      const token = String(upstream[name]);
      expect(token.length).toBeGreaterThan(20);
      expect([name, await main.present(token)]).toEqual([name, 'B401i']);
    }
  });
});
