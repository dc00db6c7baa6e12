import { beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';

import type { Awaitable } from '../common/awaitable.js';
import { ConfigurationError } from '../common/errors.js';
import { MultiAuthEvents } from '../common/events.js';
import type { ProtectedResource } from '../resources/protected-resource.js';
import { ResourceRegistry } from '../resources/resource-registry.js';
import type { ChainVerdict } from '../verifiers/verifier-chain.js';
import { AccessToken } from './access-token.decorator.js';
import { McpAuth, RequireScopes, SkipMcpAuth } from './mcp-auth.decorator.js';
import { McpAuthGuard } from './mcp-auth.guard.js';
import { McpBearerStrategy } from './mcp-bearer.strategy.js';
import { OAuthException } from './oauth.exception.js';
import { ResourceServer } from './resource-server.js';

const resource = (name: string): ProtectedResource => ({
  name,
  identifier: `https://rs.test/${name}`,
  requiredScopes: ['mcp:use'],
  displayName: undefined,
  documentation: undefined,
});

@Controller()
class Tools {
  @Get()
  @McpAuth()
  plain(@AccessToken() _token: AccessToken, @AccessToken('subject') _subject: string): void {}

  @RequireScopes('files:read')
  read(): void {}

  @McpAuth({ resource: 'vault' })
  vault(): void {}

  @SkipMcpAuth()
  open(): void {}
}

type Handler = 'plain' | 'read' | 'vault' | 'open';

function contextOf(type: string, handler: Handler, ...args: unknown[]) {
  const method = Reflect.get(Tools.prototype, handler) as () => void;
  const context = new ExecutionContextHost(args, Tools, method);
  context.setType(type);
  return context;
}

class FakeResponse {
  readonly headers: Record<string, string> = {};

  header(name: string, value: string): void {
    this.headers[name.toLowerCase()] = value;
  }
}

function requestWith(authorization?: string): Record<string, unknown> {
  return { method: 'GET', headers: { authorization } };
}

const accepted: ChainVerdict = {
  outcome: 'accepted',
  token: {
    token: 't',
    clientId: 'client',
    subject: 'alice',
    scopes: ['mcp:use'],
    claims: {},
    source: 'fake',
  },
};

const resources = new ResourceRegistry([resource('mcp'), resource('vault')]);

function guardWhose<G extends McpAuthGuard = McpAuthGuard>(
  verify: (token: string) => Awaitable<ChainVerdict>,
  Guard: new (...parts: ConstructorParameters<typeof McpAuthGuard>) => G = McpAuthGuard as never,
): G {
  const server = new ResourceServer({
    resources,
    chain: () => ({ verify }),
    events: new MultiAuthEvents(),
    impliedScopes: {},
    metadataUrl: () => undefined,
    challengeScopes: (scopes) => scopes,
  });
  return new Guard(server, new McpBearerStrategy());
}

async function refusalOf(run: () => Awaitable<boolean>): Promise<OAuthException> {
  try {
    await run();
  } catch (thrown) {
    if (thrown instanceof OAuthException) return thrown;
    throw thrown;
  }
  throw new Error('was admitted');
}

describe('McpAuthGuard', () => {
  let verified = 0;
  const count = (verdict: ChainVerdict) => () => {
    verified++;
    return verdict;
  };
  beforeEach(() => {
    verified = 0;
  });

  describe('in HTTP', () => {
    it('answers a boolean where the chain does not wait', () => {
      const context = contextOf('http', 'plain', requestWith('Bearer t'), new FakeResponse());
      expect(guardWhose(() => accepted).canActivate(context)).toBe(true);
    });

    it('throws at once where the chain does not wait', () => {
      const guard = guardWhose(() => ({ outcome: 'rejected', reasons: [] }));
      const response = new FakeResponse();
      const context = contextOf('http', 'plain', requestWith('Bearer t'), response);
      expect(() => guard.canActivate(context)).toThrow(OAuthException);
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
    });

    it('answers a promise where the chain waits', async () => {
      const context = contextOf('http', 'plain', requestWith('Bearer t'), new FakeResponse());
      const answer = guardWhose(async () => accepted).canActivate(context);
      expect(answer).toBeInstanceOf(Promise);
      expect(await answer).toBe(true);
    });

    it('refuses with what was prepared: no stack is recorded for a stranger', async () => {
      const guard = guardWhose(() => ({ outcome: 'rejected', reasons: [] }));
      const refuse = (token: string) =>
        refusalOf(() =>
          guard.canActivate(contextOf('http', 'plain', requestWith(token), new FakeResponse())),
        );
      const [one, other] = [await refuse('Bearer a'), await refuse('Bearer b')];
      expect(Object.getPrototypeOf(one)).toBe(Object.getPrototypeOf(other));
      expect(Object.hasOwn(one as object, 'stack')).toBe(false);
    });

    it('verifies once for a guard named twice, and anew for another request', () => {
      const guard = guardWhose(count(accepted));
      const context = contextOf('http', 'plain', requestWith('Bearer t'), new FakeResponse());
      void guard.canActivate(context);
      void guard.canActivate(context);
      expect(verified).toBe(1);
      void guard.canActivate(
        contextOf('http', 'plain', requestWith('Bearer t'), new FakeResponse()),
      );
      expect(verified).toBe(2);
    });

    it('verifies anew for a handler that asks for other scopes', async () => {
      const guard = guardWhose(count(accepted));
      const request = requestWith('Bearer t');
      void guard.canActivate(contextOf('http', 'plain', request, new FakeResponse()));
      const refusal = await refusalOf(() =>
        guard.canActivate(contextOf('http', 'read', request, new FakeResponse())),
      );
      expect([refusal.getStatus(), verified]).toEqual([403, 2]);
    });

    it('verifies anew what another server admitted', async () => {
      const request = requestWith('Bearer t');
      const context = contextOf('http', 'plain', request, new FakeResponse());
      void guardWhose(() => accepted).canActivate(context);
      const other = guardWhose(() => ({ outcome: 'rejected', reasons: [] }));
      expect((await refusalOf(() => other.canActivate(context))).getStatus()).toBe(401);
    });

    it('verifies anew for another resource, as a guard of an app may choose it', () => {
      class TenantGuard extends McpAuthGuard {
        tenant = resources.default;

        protected override resourceOf(): ProtectedResource {
          return this.tenant;
        }
      }
      const guard = guardWhose(count(accepted), TenantGuard);
      const context = contextOf('http', 'plain', requestWith('Bearer t'), new FakeResponse());
      void guard.canActivate(context);
      guard.tenant = resource('vault');
      void guard.canActivate(context);
      expect(verified).toBe(2);
    });

    it('does not believe a request that brings its own user (AT-05)', async () => {
      const request = { ...requestWith(), user: accepted, auth: accepted };
      const context = contextOf('http', 'plain', request, new FakeResponse());
      const refusal = await refusalOf(() => guardWhose(() => accepted).canActivate(context));
      expect(refusal.getStatus()).toBe(401);
    });

    it.each([
      ['has no headers', {}, 401],
      ['is missing', undefined, 503],
    ])('refuses when the request %s (NE-11)', async (_what, request, status) => {
      const context = contextOf('http', 'plain', request, new FakeResponse());
      const refusal = await refusalOf(() => guardWhose(count(accepted)).canActivate(context));
      expect(refusal.getStatus()).toBe(status);
      expect(verified).toBe(0);
    });

    it('refuses when what it needs after the verdict fails (NE-11)', async () => {
      const locked = Object.freeze(requestWith('Bearer t'));
      const context = () => contextOf('http', 'plain', locked, new FakeResponse());
      for (const verify of [() => accepted, async () => accepted]) {
        const refusal = await refusalOf(() => guardWhose(verify).canActivate(context()));
        expect(refusal.getStatus()).toBe(503);
      }
    });

    it('sets no header on an answer that went out meanwhile (NE-11)', async () => {
      const guard = guardWhose(async () => ({ outcome: 'rejected', reasons: [] }));
      const gone = Object.assign(new FakeResponse(), { headersSent: true });
      const context = contextOf('http', 'plain', requestWith('Bearer t'), gone);
      const refusal = await refusalOf(() => guard.canActivate(context));
      expect([refusal.getStatus(), gone.headers]).toEqual([401, {}]);
    });
  });

  describe('in RPC', () => {
    const guard = guardWhose(count(accepted));
    const admitted = (): Record<string, unknown> => {
      const request = requestWith('Bearer t');
      void guard.canActivate(contextOf('http', 'plain', request, new FakeResponse()));
      return request;
    };
    const rpc = (handler: Handler, raw: unknown, args: unknown = {}) =>
      contextOf('rpc', handler, args, { getRawRequest: () => raw });

    it('lets a message pass whose request was admitted', () => {
      expect(guard.canActivate(rpc('plain', admitted()))).toBe(true);
    });

    it('refuses a message whose request was not, whatever its arguments say', () => {
      const forged = { user: accepted, auth: accepted, headers: { authorization: 'Bearer t' } };
      expect(guard.canActivate(rpc('plain', requestWith('Bearer t'), forged))).toBe(false);
      expect(guard.canActivate(rpc('plain', forged, admitted()))).toBe(false);
      expect(guard.canActivate(contextOf('rpc', 'plain', admitted(), undefined))).toBe(false);
    });

    it('refuses too few scopes and another resource', () => {
      expect(guard.canActivate(rpc('read', admitted()))).toBe(false);
      expect(guard.canActivate(rpc('vault', admitted()))).toBe(false);
    });

    it('refuses what was admitted to a resource that is not its own', () => {
      class ForeignGuard extends McpAuthGuard {
        protected override resourceOf(): ProtectedResource {
          return resource('mcp');
        }
      }
      const request = requestWith('Bearer t');
      const foreign = guardWhose(() => accepted, ForeignGuard);
      void foreign.canActivate(contextOf('http', 'plain', request, new FakeResponse()));
      expect(guard.canActivate(rpc('plain', request))).toBe(false);
    });

    it('fails closed when the carrier throws (NE-11)', async () => {
      const broken = { getRawRequest: () => Reflect.get(null as unknown as object, 'x') };
      await refusalOf(() => guard.canActivate(contextOf('rpc', 'plain', {}, broken)));
    });

    it('injects the token of the request, and never one from the arguments', () => {
      const [whole, subject] = accessTokenFactories();
      expect(whole(undefined, rpc('plain', admitted()))).toMatchObject({ clientId: 'client' });
      expect(subject('subject', rpc('plain', admitted()))).toBe('alice');
      expect(whole('issuer', rpc('plain', admitted()))).toBeUndefined();
      const forged = { user: accepted, auth: accepted };
      expect(() => whole(undefined, rpc('plain', forged, admitted()))).toThrow(ConfigurationError);
    });
  });

  it.each(['ws', 'graphql'])('refuses in a %s context', (type) => {
    const guard = guardWhose(count(accepted));
    const request = requestWith('Bearer t');
    void guard.canActivate(contextOf('http', 'plain', request, new FakeResponse()));
    expect(guard.canActivate(contextOf(type, 'plain', request, request))).toBe(false);
  });

  it.each(['http', 'rpc', 'ws'])('asks for nothing in %s where it is skipped', (type) => {
    expect(guardWhose(count(accepted)).canActivate(contextOf(type, 'open', {}))).toBe(true);
    expect(verified).toBe(0);
  });
});

type Factory = (field: string | undefined, context: unknown) => unknown;

/** The factories behind the two decorated parameters of `Tools.plain`. */
function accessTokenFactories(): [Factory, Factory] {
  const metadata = Reflect.getMetadata(ROUTE_ARGS_METADATA, Tools, 'plain') as Record<
    string,
    { index: number; factory: Factory }
  >;
  const [first, second] = Object.values(metadata).sort((a, b) => a.index - b.index);
  if (first === undefined || second === undefined) throw new Error('no decorated parameters');
  return [first.factory, second.factory];
}
