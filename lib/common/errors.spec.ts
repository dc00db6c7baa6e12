import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  describeError,
  MultiAuthError,
  StorageError,
  UpstreamError,
  VerifierUnavailableError,
} from './errors.js';

describe('the errors of the library', () => {
  it('have a name and a stable code', () => {
    const errors = [
      new ConfigurationError([]),
      new StorageError('s'),
      new UpstreamError('u', 'refused'),
      new VerifierUnavailableError('v'),
    ];
    expect(errors.every((error) => error instanceof MultiAuthError)).toBe(true);
    expect(errors.map(({ name, code }) => [name, code])).toEqual([
      ['ConfigurationError', 'ERR_MULTI_AUTH_CONFIGURATION'],
      ['StorageError', 'ERR_MULTI_AUTH_STORAGE'],
      ['UpstreamError', 'ERR_MULTI_AUTH_UPSTREAM'],
      ['VerifierUnavailableError', 'ERR_MULTI_AUTH_VERIFIER_UNAVAILABLE'],
    ]);
  });

  it('keep their cause and what they add', () => {
    const cause = new Error('below');
    expect(new StorageError('s', { cause }).cause).toBe(cause);
    expect(new VerifierUnavailableError('v').retryAfterSeconds).toBe(5);
    expect(new VerifierUnavailableError('v', { retryAfterSeconds: 9 }).retryAfterSeconds).toBe(9);
    expect(new UpstreamError('u', 'transient').denied).toBe(false);
    expect(new UpstreamError('u', 'refused', { denied: true }).denied).toBe(true);
  });
});

describe('ConfigurationError', () => {
  const issues = [
    { path: 'baseUrl', problem: 'is missing' },
    { path: 'verifiers[0]', problem: 'is no token verifier' },
  ];

  it('names every issue on a line of its own', () => {
    expect(new ConfigurationError(issues).message.split('\n')).toEqual([
      'The configuration is not usable:',
      '  baseUrl: is missing',
      '  verifiers[0]: is no token verifier',
    ]);
  });

  it('is thrown only when there is an issue', () => {
    expect(() => ConfigurationError.assertNone(issues)).toThrow(ConfigurationError);
    expect(() => ConfigurationError.assertNone([])).not.toThrow();
  });
});

describe('describeError', () => {
  it.each<[unknown, string]>([
    [new Error('text'), 'text'],
    [new TypeError(''), 'TypeError'],
    ['a text', 'a text'],
    [undefined, 'a thrown undefined'],
    [null, 'a thrown null'],
    [{ secret: 'hunter2' }, 'a thrown object'],
    [42, 'a thrown number'],
  ])('makes text of %p', (thrown, text) => {
    expect(describeError(thrown)).toBe(text);
  });

  it('knows an error of another realm', () => {
    expect(describeError(runInNewContext('new Error("elsewhere")'))).toBe('elsewhere');
  });
});
