import { describe, expect, it } from '@jest/globals';
import {
  type IdTokenUse,
  idTokenSetAside,
  normalizedTokenResponse,
  revocableTokens,
} from './token-response.js';

const tokens = { access_token: 'a', token_type: 'Bearer', expires_in: 300 };

async function normalized(
  body: unknown,
  init: ResponseInit = {},
  idToken: IdTokenUse = 'ignore',
): Promise<{ status: number; headers: Headers; body: unknown }> {
  const response = await normalizedTokenResponse(Response.json(body, init), idToken);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe('normalizedTokenResponse', () => {
  it('leaves a response of RFC 6749 §5.1 as it is', async () => {
    const full = { ...tokens, refresh_token: 'r', scope: 'a b', of_its_own: { x: [1] } };
    const { status, headers, body } = await normalized(full);
    expect({ status, body }).toEqual({ status: 200, body: full });
    expect(headers.get('content-type')).toContain('application/json');
  });

  it('keeps an id_token that is asked for, and drops one that is not', async () => {
    const body = { ...tokens, id_token: 'x.y.z' };
    expect((await normalized(body, {}, 'validate')).body).toEqual(body);
    expect((await normalized(body, {}, 'ignore')).body).toEqual(tokens);
  });

  it('sets an id_token aside for whoever looks at it himself', async () => {
    const aside = async (body: object, use: IdTokenUse) =>
      idTokenSetAside((await normalized(body, {}, use)).body as Record<string, unknown>);
    const { body } = await normalized({ ...tokens, id_token: 'x.y.z' }, {}, 'set aside');
    expect(body).not.toHaveProperty('id_token');
    expect(await aside({ ...tokens, id_token: 'x.y.z' }, 'set aside')).toBe('x.y.z');
    expect(await aside({ ...tokens, id_token: 7 }, 'set aside')).toBeUndefined();
    expect(await aside(tokens, 'set aside')).toBeUndefined();
    expect(await aside({ ...tokens, id_token: 'x.y.z' }, 'ignore')).toBeUndefined();
    // Nor does a member of that name of the upstream's own count.
    const [member = ''] = Object.keys(body as object).filter((name) => !(name in tokens));
    expect(await aside({ ...tokens, [member]: 'x.y.z' }, 'set aside')).toBeUndefined();
  });

  it('makes an error of an error that came with status 200', async () => {
    expect(await normalized({ error: 'bad_refresh_token' })).toMatchObject({
      status: 400,
      body: { error: 'bad_refresh_token' },
    });
    const beside = { ...tokens, error: 'none' };
    expect(await normalized(beside)).toMatchObject({ status: 200, body: beside });
  });

  it('lets the error in the body count, whatever challenge comes with it', async () => {
    const headers = { 'www-authenticate': 'Basic realm="x"', 'x-kept': 'yes' };
    const answer = await normalized({ error: 'invalid_grant' }, { status: 401, headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(answer.headers.get('x-kept')).toBe('yes');
  });

  it('takes null for unsaid', async () => {
    const body = { ...tokens, refresh_token: null, scope: null, error: null, expires_in: null };
    expect((await normalized(body)).body).toEqual({ access_token: 'a', token_type: 'Bearer' });
  });

  it.each([-1, 'soon', true, [], {}])('takes a lifetime of %j for unsaid', async (expires_in) => {
    expect((await normalized({ ...tokens, expires_in })).body).not.toHaveProperty('expires_in');
  });

  it.each([0, 300, '300', 1.5])('leaves a lifetime of %j as it is', async (expires_in) => {
    expect((await normalized({ ...tokens, expires_in })).body).toMatchObject({ expires_in });
  });

  it.each(['', '{"access_token": "a', '[]', '[{"error":"x"}]', '"text"', 'null', '<html>'])(
    'leaves what is no JSON object to its reader: %s',
    async (text) => {
      const headers = { 'www-authenticate': 'Basic', 'content-type': 'text/html' };
      const response = await normalizedTokenResponse(
        new Response(text, { status: 502, headers }),
        'ignore',
      );
      expect([response.status, await response.text()]).toEqual([502, text]);
      expect([...response.headers]).toEqual([['content-type', 'text/html']]);
    },
  );
});

describe('revocableTokens', () => {
  it.each([
    [
      'both tokens',
      { access_token: 'a', refresh_token: 'r' },
      { accessToken: 'a', refreshToken: 'r' },
    ],
    ['the one there is', { access_token: 'a' }, { accessToken: 'a' }],
    ['what is a text', { access_token: 'a', refresh_token: 7 }, { accessToken: 'a' }],
    ['nothing', { error: 'invalid_grant' }, {}],
  ])('are %s', (_name, response, tokens) => {
    expect(revocableTokens(response)).toEqual(tokens);
  });
});
