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

  it('has a body that no exception filter can change for the next request', () => {
    const exception = OAuthException.of(unavailableRefusal(5));
    expect(Object.isFrozen(exception.getResponse())).toBe(true);
  });

  it('is the same one for the same refusal', () => {
    const refusal = unavailableRefusal(5);
    expect(OAuthException.of(refusal)).toBe(OAuthException.of(refusal));
    expect(OAuthException.of(refusal)).not.toBe(OAuthException.of(unavailableRefusal(6)));
  });
});
