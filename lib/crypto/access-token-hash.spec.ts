import { describe, expect, it } from '@jest/globals';
import { accessTokenHash } from './access-token-hash.js';

describe('accessTokenHash', () => {
  it('is that of the example in OpenID Connect Core, appendix A.3', () => {
    const token = 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y';
    expect(accessTokenHash(token, 'RS256')).toBe('77QmUPtjPfzWtF2AnpK9RQ');
  });

  it('is half as long as the hash of the algorithm', () => {
    const bytes = (algorithm: string) =>
      Buffer.from(accessTokenHash('token', algorithm) ?? '', 'base64url').length;
    expect(['ES256', 'PS384', 'RS512', 'EdDSA'].map(bytes)).toEqual([16, 24, 32, 32]);
  });

  it('is unknown for an algorithm without a hash', () => {
    expect(accessTokenHash('token', 'none')).toBeUndefined();
  });
});
