import { describe, expect, it } from '@jest/globals';
import { StorageError, UpstreamError, VerifierUnavailableError } from '../common/errors.js';
import { renderFault, toFault } from './fault-response.js';
import { OAuthError } from './oauth-error.js';

describe('toFault', () => {
  it('passes the words of an OAuthError on', () => {
    const error = new OAuthError('invalid_client', 'Unknown client.', {
      status: 401,
      headers: { 'www-authenticate': 'Basic' },
    });
    const response = renderFault(toFault(error), 'client');
    expect(response).toEqual({
      kind: 'json',
      status: 401,
      headers: { 'www-authenticate': 'Basic' },
      body: { error: 'invalid_client', error_description: 'Unknown client.' },
    });
  });

  it.each([
    [new StorageError('redis://user:pass@host'), 503, 'temporarily_unavailable', '5'],
    [new UpstreamError('10.0.0.1 timed out', 'transient'), 503, 'temporarily_unavailable', '5'],
    [
      new VerifierUnavailableError('jwks', { retryAfterSeconds: 7 }),
      503,
      'temporarily_unavailable',
      '7',
    ],
    [new UpstreamError('invalid_client', 'refused'), 502, 'server_error', undefined],
    [new Error('at /srv/app.js:1'), 500, 'server_error', undefined],
    ['text', 500, 'server_error', undefined],
    [undefined, 500, 'server_error', undefined],
  ])('translates %p without its words', (thrown, status, error, retryAfter) => {
    const fault = toFault(thrown);
    expect(fault).toMatchObject({ status, error });
    expect(fault.headers['retry-after']).toBe(retryAfter);
    expect(fault.description).toMatch(/^The (service cannot answer|server could not complete)/);
  });
});

describe('renderFault', () => {
  it('shows a person a page', () => {
    const fault = toFault(
      new OAuthError('invalid_request', 'The link is <old>.', { headers: { 'x-a': 'b' } }),
    );
    const response = renderFault(fault, 'person');
    expect(response).toMatchObject({ kind: 'page', status: 400, headers: { 'x-a': 'b' } });
    expect(response.kind === 'page' && response.html).toContain('The link is &#60;old&#62;.');
    expect(response.kind === 'page' && response.html).toContain('start again');
  });

  it('asks a person to wait who was too fast', () => {
    const details = { status: 429, headers: { 'retry-after': '60' } };
    const fault = toFault(new OAuthError('temporarily_unavailable', 'Too much.', details));
    const response = renderFault(fault, 'person');
    expect(response).toMatchObject({ kind: 'page', status: 429, headers: { 'retry-after': '60' } });
    expect(response.kind === 'page' && response.html).toContain('wait a few minutes');
  });

  it('asks a person to try again when that may work', () => {
    const response = renderFault(toFault(new StorageError('x')), 'person');
    expect(response).toMatchObject({ kind: 'page', status: 503, headers: { 'retry-after': '5' } });
    expect(response.kind === 'page' && response.html).toContain('try again');
  });
});
