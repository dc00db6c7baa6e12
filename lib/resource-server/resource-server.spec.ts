import { describe, expect, it } from '@jest/globals';

import type { Awaitable } from '../common/awaitable.js';
import { MultiAuthEvents } from '../common/events.js';
import type { MultiAuthEventName } from '../common/events.js';
import type { ProtectedResource } from '../resources/protected-resource.js';
import { ResourceRegistry } from '../resources/resource-registry.js';
import type { AccessToken } from '../verifiers/access-token.js';
import type { ChainVerdict } from '../verifiers/verifier-chain.js';
import { ResourceServer } from './resource-server.js';
import type { Admission, ResourceServerOptions } from './resource-server.js';

const resource: ProtectedResource = {
  name: 'default',
  identifier: 'https://rs.test/mcp',
  requiredScopes: ['mcp:use'],
  displayName: undefined,
  documentation: undefined,
};
const METADATA = 'https://rs.test/.well-known/oauth-protected-resource/mcp';
const OPERATION: readonly string[] = ['files:read'];

const token = (...scopes: string[]): AccessToken => ({
  token: 't',
  clientId: 'client',
  subject: 'alice',
  scopes,
  claims: {},
  source: 'fake',
});

const accepted = (...scopes: string[]): ChainVerdict => ({
  outcome: 'accepted',
  token: token(...scopes),
});

function serverWhose(
  verify: (token: string) => Awaitable<ChainVerdict>,
  options: Partial<ResourceServerOptions> = {},
) {
  const events = new MultiAuthEvents();
  const seen: [MultiAuthEventName, unknown][] = [];
  const listen = (name: MultiAuthEventName) =>
    events.on(name, (event) => void seen.push([name, event]));
  listen('token.accepted');
  listen('token.rejected');
  listen('scope.insufficient');
  listen('endpoint.failed');
  const server = new ResourceServer({
    resources: new ResourceRegistry([resource]),
    chain: () => ({ verify }),
    events,
    impliedScopes: {},
    metadataUrl: () => METADATA,
    challengeScopes: (scopes) => scopes,
    ...options,
  });
  const authenticate = (authorization?: string, requiredScopes = OPERATION) =>
    server.authenticate({ resource, requiredScopes, headers: { authorization } });
  return { server, authenticate, seen };
}

async function refusalOf(admission: Awaitable<Admission>) {
  const reached = await admission;
  if (reached.admitted) throw new Error('was admitted');
  return reached.refusal;
}

const never = (): never => {
  throw new Error('the chain was asked');
};

describe('ResourceServer', () => {
  it('admits an accepted token that has the scopes, without a promise', () => {
    const { authenticate, seen } = serverWhose(() => accepted('mcp:use', 'files:read'));
    expect(authenticate('Bearer t')).toMatchObject({
      admitted: true,
      token: { clientId: 'client' },
    });
    expect(seen).toEqual([
      [
        'token.accepted',
        { source: 'fake', clientId: 'client', subject: 'alice', resource: resource.identifier },
      ],
    ]);
  });

  it('admits with a promise when the chain waits', async () => {
    const { authenticate } = serverWhose(async () => accepted('mcp:use', 'files:read'));
    const admission = authenticate('Bearer t');
    expect(admission).toBeInstanceOf(Promise);
    expect(await admission).toMatchObject({ admitted: true });
  });

  it('answers 401 with a bare challenge when there are no credentials (AT-01)', async () => {
    const { authenticate, seen } = serverWhose(never);
    expect(await refusalOf(authenticate())).toMatchObject({
      status: 401,
      headers: {
        'WWW-Authenticate': `Bearer scope="mcp:use files:read", resource_metadata="${METADATA}"`,
      },
    });
    expect(seen).toEqual([]);
  });

  it('answers 400 to a malformed header before any work (AT-04)', async () => {
    const { authenticate } = serverWhose(never);
    const refusal = await refusalOf(authenticate('Bearer a b'));
    expect(refusal).toMatchObject({ status: 400, error: 'invalid_request' });
    expect(refusal.headers['WWW-Authenticate']).toContain('error="invalid_request"');
  });

  it('answers 401 to a token over the length limit before any work (AT-36)', async () => {
    const { authenticate } = serverWhose(never);
    const refusal = await refusalOf(authenticate(`Bearer ${'a'.repeat(200 * 1024)}`));
    expect(refusal).toMatchObject({ status: 401, error: 'invalid_token' });
  });

  it('answers 401 invalid_token when every source rejects, and reports their reasons', async () => {
    const reasons = [{ source: 'fake', reason: 'expired' }];
    const { authenticate, seen } = serverWhose(() => ({ outcome: 'rejected', reasons }));
    const refusal = await refusalOf(authenticate('Bearer t'));
    expect(refusal.status).toBe(401);
    expect(refusal.headers['WWW-Authenticate']).toMatch(
      /^Bearer error="invalid_token", error_description="[^"=]*", scope="mcp:use files:read", resource_metadata="[^"]*"$/,
    );
    expect(seen).toEqual([['token.rejected', { resource: resource.identifier, reasons }]]);
  });

  it('answers 503 with Retry-After and no challenge when there is no verdict', async () => {
    const { authenticate } = serverWhose(() => ({ outcome: 'unavailable', retryAfterSeconds: 7 }));
    expect(await refusalOf(authenticate('Bearer t'))).toMatchObject({
      status: 503,
      error: 'temporarily_unavailable',
      headers: { 'Retry-After': '7', 'Cache-Control': 'no-store' },
    });
  });

  it('answers 403 naming baseline and operation once each (AT-31)', async () => {
    const { authenticate, seen } = serverWhose(() => accepted('mcp:use'));
    const refusal = await refusalOf(authenticate('Bearer t', ['mcp:use', 'files:read']));
    expect(refusal.status).toBe(403);
    expect(refusal.headers['WWW-Authenticate']).toMatch(
      /^Bearer error="insufficient_scope", .*scope="mcp:use files:read", resource_metadata="[^"]*"$/,
    );
    expect(seen.map(([name]) => name)).toEqual(['token.accepted', 'scope.insufficient']);
    expect(seen.map(([, event]) => event)).toMatchObject([{ source: 'fake' }, { source: 'fake' }]);
  });

  it('takes no scope for another that begins alike (AT-32)', async () => {
    const { authenticate } = serverWhose(() => accepted('mcp:use', 'files:readonly'));
    expect(await refusalOf(authenticate('Bearer t'))).toMatchObject({ status: 403 });
  });

  it('honours the scopes a broader one implies, and only those', async () => {
    const options = { impliedScopes: { admin: ['mcp:use', 'files:read'] } };
    const { authenticate } = serverWhose(() => accepted('admin'), options);
    expect(await authenticate('Bearer t')).toMatchObject({ admitted: true });
    expect(await authenticate('Bearer t', ['files:write'])).toMatchObject({ admitted: false });
  });

  it('challenges with the names the authorization server knows, without offline_access', async () => {
    const challengeScopes = (scopes: readonly string[]) => [
      ...scopes.map((scope) => `api://app/${scope}`),
      'offline_access',
    ];
    const { authenticate } = serverWhose(never, { challengeScopes });
    const { headers } = await refusalOf(authenticate());
    expect(headers['WWW-Authenticate']).toContain(
      'scope="api://app/mcp:use api://app/files:read", ',
    );
  });

  it('points to no metadata when none is published', async () => {
    const { authenticate } = serverWhose(never, { metadataUrl: () => undefined });
    const { headers } = await refusalOf(authenticate());
    expect(headers['WWW-Authenticate']).toBe('Bearer scope="mcp:use files:read"');
  });

  it.each<[string, (token: string) => Awaitable<ChainVerdict>]>([
    ['throws', never],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['throws null', () => rethrow(null)],
    ['answers nothing', () => undefined as unknown as ChainVerdict],
    ['promises nothing', async () => undefined as unknown as ChainVerdict],
    ['accepts without a token', () => ({ outcome: 'accepted' }) as unknown as ChainVerdict],
  ])('fails closed with 503 when the chain %s (NE-11)', async (_what, verify) => {
    const { authenticate, seen } = serverWhose(verify);
    expect(await refusalOf(authenticate('Bearer t'))).toMatchObject({ status: 503 });
    expect(seen.map(([name]) => name)).toEqual(['endpoint.failed']);
  });

  it('fails closed with 503 when its configuration throws', async () => {
    const { authenticate } = serverWhose(() => accepted(), { metadataUrl: never });
    expect(await refusalOf(authenticate())).toMatchObject({ status: 503 });
  });

  it('prepares a refusal once for an operation', async () => {
    const { authenticate } = serverWhose(() => ({ outcome: 'rejected', reasons: [] }));
    const first = await refusalOf(authenticate('Bearer a'));
    expect(await refusalOf(authenticate('Bearer b'))).toBe(first);
    expect(await refusalOf(authenticate('Bearer b', ['other']))).not.toBe(first);
  });
});

function rethrow(thrown: unknown): never {
  throw thrown;
}
