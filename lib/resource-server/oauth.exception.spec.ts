import { describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';

import { OAuthException } from './oauth.exception.js';
import { unavailableRefusal } from './refusal.js';

describe('OAuthException', () => {
  it('answers error and description', () => {
    const exception = new OAuthException('invalid_token', 'No.', { status: 401 });
    expect(exception).toBeInstanceOf(HttpException);
    expect(exception.getStatus()).toBe(401);
    expect(exception.getResponse()).toEqual({ error: 'invalid_token', error_description: 'No.' });
  });

  it('is an object of its own for each request, so that what a filter writes on it stays there', () => {
    const refusal = unavailableRefusal(5);
    const [one, other] = [OAuthException.of(refusal), OAuthException.of(refusal)];
    Object.assign(one, { requestId: 'mine' });
    Object.assign(one.getResponse(), { requestId: 'mine' });
    expect(other).not.toHaveProperty('requestId');
    expect(other.getResponse()).toEqual({
      error: 'temporarily_unavailable',
      error_description: refusal.description,
    });
    expect(other).toBeInstanceOf(OAuthException);
    expect(other.getStatus()).toBe(503);
  });

  it('records no stack but the first', () => {
    const refusal = unavailableRefusal(5);
    expect(Object.hasOwn(OAuthException.of(refusal), 'stack')).toBe(false);
    expect(OAuthException.of(refusal).stack).toBe(OAuthException.of(refusal).stack);
  });
});
