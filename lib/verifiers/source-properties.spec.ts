import { describe, expect, it } from '@jest/globals';
import { sourcePropertyIssues, tokenHeadersOf } from './source-properties.js';
import type { TokenVerifier } from './token-verifier.js';

const source = (members: object): TokenVerifier => ({ verifyToken: () => null, ...members });
const pathsOf = (members: object): readonly string[] =>
  sourcePropertyIssues('verifiers[1]', source(members)).map(({ path }) => path);

describe('what a source says of itself', () => {
  it.each([{}, { timeoutSeconds: 60 }, { timeoutSeconds: 0.1 }, { header: 'X-Api-Key' }])(
    'may be %j',
    (members) => {
      expect(pathsOf(members)).toEqual([]);
    },
  );

  it.each([0, -1, 61, Number.NaN, Infinity, '5', null])(
    'may not be a timeout of %s',
    (timeoutSeconds) => {
      expect(pathsOf({ timeoutSeconds })).toEqual(['verifiers[1].timeoutSeconds']);
    },
  );

  it.each(['', 'x api key', 'x:y', 'é', 7, 'Authorization', 'cookie', 'Host', 'MCP-Session-Id'])(
    'may not be the header %s',
    (header) => {
      expect(pathsOf({ header })).toEqual(['verifiers[1].header']);
    },
  );

  it('names each header once, as Node spells it', () => {
    const sources = [{}, { header: 'X-API-Key' }, { header: 'x-api-key' }, { header: 'x-other' }];
    expect(tokenHeadersOf(sources.map(source))).toEqual(['x-api-key', 'x-other']);
  });
});
