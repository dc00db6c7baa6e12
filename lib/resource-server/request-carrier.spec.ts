import { describe, expect, it } from '@jest/globals';

import type { AccessToken } from '../verifiers/access-token.js';
import { toAuthInfo } from './auth-info.js';
import { admissionOf, admissionOfContext, placeAdmission } from './request-carrier.js';

const token: AccessToken = { token: 't', clientId: 'c', scopes: [], claims: {}, source: 'fake' };
const resource = {
  name: 'default',
  identifier: 'https://rs.test/mcp',
  requiredScopes: [],
  displayName: undefined,
  documentation: undefined,
};
const admission = { token, resource, requiredScopes: [], admittedBy: {} };
const METADATA = Symbol.for('@rekog/mcp-nest:resource-metadata-url');

function place(request: object): void {
  placeAdmission(request, admission, toAuthInfo(token, resource, 'https://rs.test/prm'));
}

const contextOf = (type: string, http: unknown, rpc: unknown) => ({
  getType: () => type,
  switchToHttp: () => ({ getRequest: () => http }),
  switchToRpc: () => ({ getContext: () => rpc }),
});

describe('placeAdmission', () => {
  it('puts user, auth and the metadata URL on the request and on its raw one', () => {
    const raw = {};
    const request = { raw };
    place(request);
    for (const carrier of [request, raw]) {
      expect(carrier).toMatchObject({
        user: token,
        auth: { token: 't' },
        [METADATA]: 'https://rs.test/prm',
      });
      expect(admissionOf(carrier)).toBe(admission);
    }
  });
});

describe('admissionOfContext', () => {
  const admitted = {};
  place(admitted);

  it('finds the admission of an HTTP request', () => {
    expect(admissionOfContext(contextOf('http', admitted, undefined))).toBe(admission);
  });

  it('finds the admission of the raw request behind an RPC message', () => {
    const rpc = { getRawRequest: () => admitted };
    expect(admissionOfContext(contextOf('rpc', {}, rpc))).toBe(admission);
  });

  it('never looks at the arguments of an RPC message', () => {
    expect(admissionOfContext(contextOf('rpc', admitted, {}))).toBeUndefined();
  });

  it('takes no names for the private slot', () => {
    const forged = { user: token, auth: { token: 't' }, 'multi-auth:admission': admission };
    expect(admissionOfContext(contextOf('http', forged, undefined))).toBeUndefined();
    expect(admissionOf({ [Symbol.for('multi-auth:admission')]: admission })).toBeUndefined();
  });

  it.each([undefined, null, 'text', {}, { getRawRequest: 'text' }, { getRawRequest: () => null }])(
    'finds nothing behind an RPC context %j (NE-11)',
    (rpc) => {
      expect(admissionOfContext(contextOf('rpc', admitted, rpc))).toBeUndefined();
    },
  );

  it.each(['ws', 'graphql'])('finds nothing in a %s context', (type) => {
    expect(admissionOfContext(contextOf(type, admitted, admitted))).toBeUndefined();
  });
});
