import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../test/support/manual-clock.js';
import { ConfigurationError } from '../common/errors.js';
import { PresentedToken, SourceContext } from './source-context.js';
import { StaticTokenVerifier } from './static.verifier.js';
import type { StaticToken, StaticTokenVerifierOptions } from './static.verifier.js';

const clock = new ManualClock(1_000_000);

function ask(verifier: StaticTokenVerifier, token: string) {
  const context = new SourceContext(new PresentedToken(token, 'https://mcp.example.com'));
  const answer = verifier.verifyToken(token, context);
  return answer ?? context.reason;
}

function verifier(content: StaticToken, options: Partial<StaticTokenVerifierOptions> = {}) {
  return new StaticTokenVerifier({ tokens: { 'token-alice': content }, clock, ...options });
}

function issuesOf(options: unknown): readonly string[] {
  try {
    void new StaticTokenVerifier(options as StaticTokenVerifierOptions);
    return [];
  } catch (thrown) {
    return (thrown as ConfigurationError).issues.map((issue) => issue.path);
  }
}

describe('StaticTokenVerifier', () => {
  it('answers with what is written of a token', () => {
    const content = {
      clientId: 'alice',
      scopes: ['read'],
      subject: 'user-1',
      expiresAt: clock.now() + 60,
      claims: { tenant: 't' },
    };
    expect(ask(verifier(content), 'token-alice')).toEqual(content);
  });

  it('recognizes its own tokens and no others', () => {
    const one = verifier({ clientId: 'alice' });
    expect(one.recognizes('token-alice')).toBe(true);
    expect(one.recognizes('token-bob')).toBe(false);
    expect(one.recognizes('__proto__')).toBe(false);
    expect(ask(one, 'token-bob')).toBe('unknown_token');
    expect(ask(one, 'constructor')).toBe('unknown_token');
  });

  it('gives no scopes to a token without any — VC-23', () => {
    expect(ask(verifier({ clientId: 'alice' }), 'token-alice')).toMatchObject({ scopes: [] });
  });

  it('honours the expiry — VC-23', () => {
    const expiring = (expiresAt: number) =>
      ask(verifier({ clientId: 'a', expiresAt }), 'token-alice');
    expect(expiring(clock.now())).toBe('expired');
    expect(expiring(0)).toBe('expired');
    expect(expiring(clock.now() + 1)).toMatchObject({ clientId: 'a' });
  });

  it('rejects a token without the required scopes', () => {
    const requiring = (scopes: string[]) =>
      ask(verifier({ clientId: 'a', scopes }, { requiredScopes: ['files:read'] }), 'token-alice');
    expect(requiring(['files:readonly'])).toBe('insufficient_scope');
    expect(requiring(['files:read', 'x'])).toMatchObject({ clientId: 'a' });
  });

  it('is not changed by what happens to its options later — CF-10', () => {
    const scopes = ['read'];
    const tokens: Record<string, StaticToken> = { 'token-alice': { clientId: 'a', scopes } };
    const one = new StaticTokenVerifier({ tokens });
    scopes.push('admin');
    tokens['token-mallory'] = { clientId: 'm' };
    expect(ask(one, 'token-alice')).toMatchObject({ scopes: ['read'] });
    expect(ask(one, 'token-mallory')).toBe('unknown_token');
  });

  it('refuses a configuration that cannot be meant — VC-23', () => {
    const tokens = {
      '': { clientId: 'a' },
      short: { clientId: 'a' },
      'with a space in it': { clientId: 'a' },
      'token-nr-1': { clientId: '' },
      'token-nr-2': { clientId: 'a', scopes: ['a b'] },
      'token-nr-3': { clientId: 'a', expiresAt: NaN },
      'token-nr-4': { clientId: 'a', subject: 7 },
      'token-nr-5': null,
    };
    expect(issuesOf({ tokens, requiredScopes: 'read', nmae: 'x', name: '' })).toEqual([
      'StaticTokenVerifier.nmae',
      'StaticTokenVerifier.name',
      'StaticTokenVerifier.requiredScopes',
      'StaticTokenVerifier.tokens[0]',
      'StaticTokenVerifier.tokens[1]',
      'StaticTokenVerifier.tokens[2]',
      'StaticTokenVerifier.tokens[3].clientId',
      'StaticTokenVerifier.tokens[4].scopes',
      'StaticTokenVerifier.tokens[5].expiresAt',
      'StaticTokenVerifier.tokens[6].subject',
      'StaticTokenVerifier.tokens[7]',
    ]);
    expect(issuesOf({ tokens: {} })).toEqual(['StaticTokenVerifier.tokens']);
    expect(issuesOf({})).toEqual(['StaticTokenVerifier.tokens']);
    expect(issuesOf({ tokens: { 'token-alice': { clientId: 'a' } } })).toEqual([]);
  });

  it('never repeats a token in a problem', () => {
    const tokens = { 'secret one': { clientId: '' } };
    expect(() => new StaticTokenVerifier({ tokens })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret one') }),
    );
  });
});
