import { describe, expect, it } from '@jest/globals';
import { issuerOf, issuerOfAnswer } from './issuer-template.js';

const template = 'https://login.test/{tenantid}/v2.0';
const tenant = '9188040d-6c67-4c5b-b112-36a304b66dad';
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const idToken = (claims: object): string => `${part({ alg: 'RS256' })}.${part(claims)}.c2ln`;

describe('the issuer an id_token must have', () => {
  it('is the one of the provider', () => {
    expect(issuerOf('https://idp.test', idToken({ tid: tenant }))).toBe('https://idp.test');
    expect(issuerOf('https://idp.test', 'no token')).toBe('https://idp.test');
  });

  it('is that of the tenant that the id_token names, when there is one for each', () => {
    expect(issuerOf(template, idToken({ tid: tenant }))).toBe(`https://login.test/${tenant}/v2.0`);
  });

  it.each([
    ['no tenant', {}],
    ['a tenant that is no text', { tid: [tenant] }],
    ['a tenant that is a path', { tid: `${tenant}/../x` }],
    ['a tenant by name', { tid: 'common' }],
    ['a tenant in other letters', { tid: tenant.toUpperCase() }],
    ['a pattern of replacement', { tid: '$&' }],
  ])('is none with %s', (_name, claims) => {
    expect(() => issuerOf(template, idToken(claims))).toThrow(
      expect.objectContaining({ kind: 'refused' }),
    );
  });

  it('is read from the answer, and left open where there is no id_token', async () => {
    const answer = (body: object): Promise<string> => issuerOfAnswer(template, Response.json(body));
    expect(await answer({ id_token: idToken({ tid: tenant }) })).toContain(tenant);
    expect(await answer({ error: 'invalid_grant' })).toBe(template);
    await expect(answer({ id_token: 'x' })).rejects.toMatchObject({ kind: 'refused' });
    expect(await issuerOfAnswer(template, new Response('<html>'))).toBe(template);
  });
});
