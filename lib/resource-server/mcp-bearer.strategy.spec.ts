import { describe, expect, it } from '@jest/globals';

import { ConfigurationError } from '../common/errors.js';
import type { AccessToken } from '../verifiers/access-token.js';
import type { BearerCredentials } from './bearer-token.js';
import { MCP_BEARER, McpBearerStrategy } from './mcp-bearer.strategy.js';
import { OAuthException } from './oauth.exception.js';
import { unavailableRefusal } from './refusal.js';
import type { Admission } from './resource-server.js';

const token: AccessToken = { token: 't', clientId: 'c', scopes: [], claims: {}, source: 'fake' };
const admitted: Admission = { admitted: true, token };
const refused: Admission = { admitted: false, refusal: unavailableRefusal(5) };
const request = { headers: { authorization: 'Bearer t' } };

describe('McpBearerStrategy', () => {
  const strategy = new McpBearerStrategy();

  it('has the name it is registered under', () => {
    expect(strategy.name).toBe(MCP_BEARER);
  });

  it('answers the token without a promise where nothing waits', () => {
    expect(strategy.attempt(request, { admit: () => admitted })).toBe(token);
    expect(() => strategy.attempt(request, { admit: () => refused })).toThrow(OAuthException);
  });

  it('answers a promise where something waits', async () => {
    expect(await strategy.attempt(request, { admit: async () => admitted })).toBe(token);
    await expect(
      Promise.resolve(strategy.attempt(request, { admit: async () => refused })),
    ).rejects.toThrow(OAuthException);
  });

  it('hands on what is thrown, at once and later', async () => {
    const broken = () => {
      throw new Error('broken');
    };
    expect(() => strategy.attempt(request, { admit: broken })).toThrow('broken');
    const later = strategy.attempt(request, { admit: () => Promise.reject(new Error('later')) });
    await expect(Promise.resolve(later)).rejects.toThrow('later');
  });

  it('reads the header and neither query, body nor cookies (AT-05)', () => {
    const seen: BearerCredentials[] = [];
    const admit = (credentials: BearerCredentials) => {
      seen.push(credentials);
      return admitted;
    };
    const elsewhere = { query: { access_token: 'q' }, body: { access_token: 'b' } };
    void strategy.attempt({ ...elsewhere, headers: { cookie: 'access_token=c' } }, { admit });
    void strategy.attempt({ ...elsewhere, ...request }, { admit });
    expect(seen).toEqual([{ kind: 'none' }, { kind: 'token', token: 't' }]);
  });

  it('keeps nothing between attempts', async () => {
    const answers = ['a', 'b', 'c'].map(async (clientId, i) =>
      strategy.attempt(request, {
        admit: async () => {
          for (let turn = i; turn < 3; turn++) await Promise.resolve();
          return { admitted: true, token: { ...token, clientId } };
        },
      }),
    );
    expect((await Promise.all(answers)).map(({ clientId }) => clientId)).toEqual(['a', 'b', 'c']);
    expect(Object.keys(strategy)).not.toContain('success');
  });

  it('refuses without options, saying what is missing', () => {
    const attempt = strategy.attempt.bind(strategy) as (
      request: object,
      options: object,
    ) => unknown;
    expect(() => attempt(request, {})).toThrow(ConfigurationError);
  });
});
