import { expect } from '@jest/globals';
import type { DocumentHost } from './document-host.js';
import { expectLocalRefusal, expectStoreUntouched, expectTokenError } from './outcomes.js';
import { clientRedirect, type ProxyFlow } from './proxy-flow.js';

/** The outcome of every client id that is a URL and no good: one page, one error, nothing else. */
export function refusals(host: DocumentHost, its: () => ProxyFlow) {
  const pages = new Set<string>();

  /** `E400` at the authorization endpoint, `T401(invalid_client)` at the others. */
  const expectRefused = async (clientId: string): Promise<void> => {
    const flow = its();
    const client = { id: clientId, redirectUri: clientRedirect };
    await expectStoreUntouched(flow, async () => {
      const request = flow.authorizationRequest(client);
      for (const accept of ['text/html', 'application/json']) {
        const answer = await flow.authorize(request, { accept });
        expectLocalRefusal(answer, flow);
        pages.add(`${accept} ${answer.text}`);
      }
      const wrong = await flow.authorize(request.with({ redirect_uri: 'https://evil.test/cb' }));
      expectLocalRefusal(wrong, flow);
      const code = { grant_type: 'authorization_code', code: 'x', code_verifier: 'x'.repeat(43) };
      const refresh = { grant_type: 'refresh_token', refresh_token: 'x' };
      for (const form of [code, refresh]) {
        const answer = await flow.send('/token', { form: { ...form, client_id: clientId } });
        expectTokenError(answer, flow, 'invalid_client', 401);
      }
      const revocation = await flow.revoke('x', client);
      expectTokenError(revocation, flow, 'invalid_client', 401);
    });
    // Whatever is wrong, a stranger reads the same: what was fetched shows nowhere.
    expect(pages.size).toBeLessThanOrEqual(2);
  };

  const expectNotFetched = async (clientId: string): Promise<void> => {
    const before = host.requests.length;
    await expectRefused(clientId);
    expect(host.requests).toHaveLength(before);
  };

  return { expectRefused, expectNotFetched };
}
