import { describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { UpstreamError } from '../../common/errors.js';
import { loginFailure, refreshFailure } from './upstream-failure.js';

const as: oauth.AuthorizationServer = { issuer: 'https://idp.test' };
const client: oauth.Client = { client_id: 'app' };

async function thrownBy(response: Response): Promise<unknown> {
  try {
    return await oauth.processRefreshTokenResponse(as, client, response);
  } catch (error) {
    return error;
  }
}

const answer = (status: number, body: unknown): Promise<unknown> =>
  thrownBy(Response.json(body, { status }));

function refusedCallback(error: string): unknown {
  try {
    const parameters = new URLSearchParams({ error, error_description: 'of alice', state: 's' });
    return oauth.validateAuthResponse(as, client, parameters, 's');
  } catch (thrown) {
    return thrown;
  }
}

describe.each([
  ['a login', loginFailure],
  ['a refresh', refreshFailure],
])('a failure of %s', (_name, failureOf) => {
  it.each(['invalid_grant', 'bad_refresh_token'])(
    'is final when the token endpoint says %s',
    async (error) => {
      expect(failureOf(await answer(400, { error })).kind).toBe('refused');
    },
  );

  it.each([
    ['invalid_client', 401],
    ['invalid_request', 400],
    ['temporarily_unavailable', 400],
    ['slow_down', 429],
    ['unauthorized_client', 400],
  ])('may pass when it says %s', async (error, status) => {
    expect(failureOf(await answer(status, { error })).kind).toBe('transient');
  });

  it('may pass when there is no answer that can be read', async () => {
    for (const thrown of [
      await thrownBy(new Response('oops', { status: 500 })),
      await thrownBy(new Response('<html>', { headers: { 'content-type': 'text/html' } })),
      await thrownBy(new Response('{', { headers: { 'content-type': 'application/json' } })),
      new TypeError('fetch failed'),
      'a text',
      undefined,
    ]) {
      expect(failureOf(thrown)).toBeInstanceOf(UpstreamError);
      expect(failureOf(thrown).kind).toBe('transient');
    }
  });

  it("shows an error code, and nothing else of the upstream's text", async () => {
    const error = `<b>\r\n"x${'y'.repeat(100)}`;
    const failure = failureOf(await answer(400, { error, error_description: 'of alice' }));
    expect(failure.message).not.toMatch(/alice|[<\r\n"]/);
    expect(failure.message.length).toBeLessThan(100);
    expect(failure.cause).toBeUndefined();
  });
});

describe('loginFailure', () => {
  it.each(['access_denied', 'consent_required', 'login_required'])(
    'knows that the user, or a policy, said no: %s',
    (error) => {
      expect(loginFailure(refusedCallback(error))).toMatchObject({ kind: 'refused', denied: true });
    },
  );

  it('tells what may pass from what will not', () => {
    expect(loginFailure(refusedCallback('server_error')).kind).toBe('transient');
    expect(loginFailure(refusedCallback('temporarily_unavailable')).kind).toBe('transient');
    const final = loginFailure(refusedCallback('invalid_scope'));
    expect(final).toMatchObject({ kind: 'refused', denied: false });
    expect(final.message).not.toContain('alice');
  });

  it('takes an answer that contradicts the protocol for a refusal', () => {
    const wrongIssuer = new URLSearchParams({ code: 'c', state: 's', iss: 'https://evil.test' });
    let thrown: unknown;
    try {
      oauth.validateAuthResponse(as, client, wrongIssuer, 's');
    } catch (error) {
      thrown = error;
    }
    expect(loginFailure(thrown).kind).toBe('refused');
  });

  it('leaves an UpstreamError as it is', () => {
    const known = new UpstreamError('known', 'refused');
    expect(loginFailure(known)).toBe(known);
  });
});
