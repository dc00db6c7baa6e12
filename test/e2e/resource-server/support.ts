import type { AddressInfo } from 'node:net';

import { Module } from '@nestjs/common';
import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { SystemClock } from '../../../lib/common/clock.js';
import { MultiAuthEvents } from '../../../lib/common/events.js';
import { McpAuthGuard } from '../../../lib/resource-server/mcp-auth.guard.js';
import { McpBearerStrategy } from '../../../lib/resource-server/mcp-bearer.strategy.js';
import { ResourceServer } from '../../../lib/resource-server/resource-server.js';
import type { TokenJudge } from '../../../lib/resource-server/resource-server.js';
import { SessionBinding } from '../../../lib/resource-server/session-binding.js';
import type { ProtectedResource } from '../../../lib/resources/protected-resource.js';
import { ResourceRegistry } from '../../../lib/resources/resource-registry.js';
import type { ChainVerdict } from '../../../lib/verifiers/verifier-chain.js';

export const platforms = ['express', 'fastify'] as const;
export type Platform = (typeof platforms)[number];

interface FakeClaims {
  readonly sub: string;
  readonly scopes?: readonly string[];
  /** The chain answers with a promise. */
  readonly waits?: boolean;
  readonly origin?: string;
}

/** A token that the fake chain accepts. */
export function bearer(sub: string, claims: Omit<FakeClaims, 'sub'> = {}): string {
  const token: FakeClaims = { sub, scopes: ['mcp:use'], ...claims };
  return `Bearer ${Buffer.from(JSON.stringify(token)).toString('base64url')}`;
}

const resource = (origin: string, name: string): ProtectedResource => ({
  name,
  identifier: `${origin}/${name}`,
  requiredScopes: ['mcp:use'],
  displayName: undefined,
  documentation: undefined,
});

/** Accepts the tokens of `bearer()` for its origin; `down` and `boom` fail, others are rejected. */
function fakeChain(origin: string): TokenJudge {
  return {
    verify(token) {
      if (token === 'down') return { outcome: 'unavailable', retryAfterSeconds: 7 };
      if (token === 'boom') throw new Error('a fault with a secret in it');
      const claims = readClaims(token);
      if (claims === undefined || (claims.origin ?? origin) !== origin) {
        return { outcome: 'rejected', reasons: [{ source: 'fake', reason: 'unknown' }] };
      }
      const verdict: ChainVerdict = {
        outcome: 'accepted',
        token: {
          token,
          clientId: 'client',
          subject: claims.sub,
          issuer: origin,
          scopes: claims.scopes ?? [],
          claims: { sub: claims.sub },
          source: 'fake',
        },
      };
      if (claims.waits !== true) return verdict;
      return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(verdict))));
    },
  };
}

function readClaims(token: string): FakeClaims | undefined {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as FakeClaims;
  } catch {
    return undefined;
  }
}

@Module({})
class GuardModule {}

export function guardModule(origin: string): DynamicModule {
  const events = new MultiAuthEvents();
  const chain = fakeChain(origin);
  const server = new ResourceServer({
    resources: new ResourceRegistry([resource(origin, 'mcp'), resource(origin, 'vault')]),
    chain: () => chain,
    events,
    impliedScopes: {},
    metadataUrl: ({ name }) => `${origin}/.well-known/oauth-protected-resource/${name}`,
    challengeScopes: (scopes) => scopes,
    sessions: new SessionBinding({ events, clock: new SystemClock() }),
  });
  return {
    module: GuardModule,
    global: true,
    providers: [{ provide: ResourceServer, useValue: server }, McpBearerStrategy, McpAuthGuard],
    exports: [ResourceServer, McpBearerStrategy, McpAuthGuard],
  };
}

export interface RunningApp {
  readonly app: INestApplication;
  readonly url: string;
}

export interface AppParts {
  readonly controllers: readonly Type[];
  readonly origin?: string;
  readonly configure?: (app: INestApplication) => void;
}

/** Starts a small app on a free port of the loopback interface. */
export async function startApp(platform: Platform, parts: AppParts): Promise<RunningApp> {
  @Module({
    imports: [guardModule(parts.origin ?? 'https://rs.test')],
    controllers: [...parts.controllers],
  })
  class AppModule {}
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = await NestFactory.create(AppModule, adapter, { logger: false });
  parts.configure?.(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { app, url: `http://127.0.0.1:${port}` };
}
