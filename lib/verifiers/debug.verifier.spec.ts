import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../common/errors.js';
import { allowDebugTokens, DebugTokenVerifier } from './debug.verifier.js';
import type { DebugTokenVerifierOptions } from './debug.verifier.js';
import { PresentedToken, SourceContext } from './source-context.js';

function verifier(options: Partial<DebugTokenVerifierOptions> = {}): DebugTokenVerifier {
  return new DebugTokenVerifier({ [allowDebugTokens]: true, ...options });
}

function ask(one: DebugTokenVerifier, token: string) {
  return one.verifyToken(token, new SourceContext(new PresentedToken(token, 'https://a.example')));
}

describe('DebugTokenVerifier', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty object', {}],
    ['another symbol', { [Symbol('multi-auth:allow-debug-tokens')]: true }],
    ['the symbol’s name', { allowDebugTokens: true }],
    ['a text that is true-ish', { [allowDebugTokens]: 'true' }],
    ['false', { [allowDebugTokens]: false }],
  ])('cannot be built with %s — VC-24', (_what, options) => {
    expect(() => new DebugTokenVerifier(options as DebugTokenVerifierOptions)).toThrow(
      ConfigurationError,
    );
  });

  it('accepts every token when it is allowed to, without a promise', () => {
    expect(ask(verifier(), 'anything')).toEqual({ clientId: 'debug-client', scopes: [] });
    expect(ask(verifier({ clientId: 'c', scopes: ['read'] }), 'x')).toEqual({
      clientId: 'c',
      scopes: ['read'],
    });
  });

  it('claims no token, so that a careless place in the chain takes none from its owner', () => {
    expect(verifier().recognizes()).toBeUndefined();
  });

  it.each(['', ' ', '\t\n'])('never accepts a blank token (%j)', (token) => {
    expect(ask(verifier(), token)).toBeNull();
  });

  it('accepts only what the function accepts', async () => {
    const sync = verifier({ validate: (token) => token.startsWith('dev-') });
    const async = verifier({ validate: async (token) => token.startsWith('dev-') });
    expect(ask(sync, 'dev-1')).not.toBeNull();
    expect(ask(sync, 'prod-1')).toBeNull();
    expect(await ask(async, 'dev-1')).not.toBeNull();
    expect(await ask(async, 'prod-1')).toBeNull();
  });

  it('takes nothing but true for a yes', async () => {
    expect(ask(verifier({ validate: (() => 'yes') as never }), 't')).toBeNull();
    expect(await ask(verifier({ validate: (async () => ({})) as never }), 't')).toBeNull();
  });

  it('refuses options that are wrong, all at once', () => {
    const wrong = { validate: 'x', clientId: '', scopes: 'read', requiredScopes: [''], color: 1 };
    expect(() => verifier(wrong as never)).toThrow(
      expect.objectContaining({
        issues: ['color', 'requiredScopes', 'scopes', 'clientId', 'validate'].map((option) =>
          expect.objectContaining({ path: `DebugTokenVerifier.${option}` }),
        ),
      }),
    );
  });
});
