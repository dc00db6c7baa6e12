// An app in a process of its own: `node --import ts-loader.mjs app.child.ts <settings as JSON>`.
// It tells its parent when it listens, and answers what the parent asks it.
import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { All, Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AccessToken,
  Clock,
  dangerouslyTrustUnknownClients,
  dangerouslyWithoutConsent,
  type KeyValueStore,
  LmdbStore,
  McpAuth,
  MultiAuthModule,
  OAuthProxy,
  MultiAuthService,
  OidcUpstream,
  UpstreamTokens,
} from '../../lib/index.js';
import type { AppAnswer, AppQuestion, AppSettings, StoreSettings } from './app-process.js';

const settings = JSON.parse(process.argv[2] ?? '{}') as AppSettings;

/** The machine's clock, as far off as the parent wants it. */
class OffsetClock extends Clock {
  offsetSeconds = settings.clockOffsetSeconds ?? 0;

  now(): number {
    return Math.floor(Date.now() / 1000) + this.offsetSeconds;
  }
}

const clock = new OffsetClock();

/** What the users of the app are after. */
@Controller('mcp')
@McpAuth()
class GuardedController {
  constructor(private readonly upstreamTokens: UpstreamTokens) {}

  @All()
  answer(@AccessToken('subject') subject: string): object {
    return { subject };
  }

  /** By its hash: which of the upstream's tokens this app would use for the user. */
  @Get('upstream')
  async upstream(@AccessToken() token: AccessToken): Promise<object> {
    const { accessToken } = await this.upstreamTokens.for(token);
    return { hash: createHash('sha256').update(accessToken).digest('base64url') };
  }
}

async function storeOf(wanted: StoreSettings): Promise<KeyValueStore> {
  if (wanted.kind === 'lmdb') return new LmdbStore({ path: wanted.path, clock });
  if (wanted.kind === 'redis') {
    const { RedisStore } = await import('../../lib/redis.js');
    return new RedisStore({ url: wanted.url, keyPrefix: wanted.keyPrefix });
  }
  const { PostgresStore } = await import('../../lib/postgres.js');
  return new PostgresStore({ url: wanted.url, schema: wanted.schema });
}

async function start(): Promise<MultiAuthService> {
  const { port, origin, idp } = settings;
  const storage = await storeOf(settings.store);
  const server = new OAuthProxy({
    upstream: new OidcUpstream({
      issuer: idp.issuer,
      clientId: idp.client.id,
      clientSecret: idp.client.secret,
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      extraAuthorizeParams: { prompt: 'consent' },
    }),
    secrets: ['the-secret-of-every-app-process-4Tz8'],
    storage,
    validScopes: ['mcp:use', 'notes:read'],
    // All of a test's clients have one address.
    rateLimits: false,
    ...(settings.withoutConsent === true && {
      consent: dangerouslyWithoutConsent,
      unconsentedClients: dangerouslyTrustUnknownClients,
    }),
    ...settings.proxy,
  });
  const auth = MultiAuthModule.forRoot({
    baseUrl: origin,
    resources: { default: '/mcp' },
    server,
    requiredScopes: ['mcp:use'],
  });
  auth.providers = [...(auth.providers ?? []), { provide: Clock, useValue: clock }];

  @Module({ imports: [auth], controllers: [GuardedController] })
  class AppModule {}

  const app = await NestFactory.create(AppModule, {
    abortOnError: false,
    forceCloseConnections: true,
    logger: ['error', 'warn'],
  });
  app.enableShutdownHooks();
  await app.listen(port, '127.0.0.1');
  return app.get(MultiAuthService, { strict: false });
}

const questions: Record<AppQuestion['ask'], (question: AppQuestion) => unknown> = {
  clock: ({ offsetSeconds = 0 }) => (clock.offsetSeconds = offsetSeconds),
  revokeAll: ({ subject = '' }) => service.revokeAll({ subject }).then(() => 'revoked'),
  cpu: () => process.cpuUsage(),
  memory: async () => {
    globalThis.gc?.();
    return { heap: process.memoryUsage().heapUsed, own: await ownMemory() };
  },
};

/** What is resident without what is mapped from files, where the system tells them apart. */
async function ownMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? [];
  return kilobytes === undefined ? process.memoryUsage().rss : Number(kilobytes) * 1024;
}

function tell(message: AppAnswer): void {
  process.send?.(message);
}

// An orphan would hold its port and its store for ever.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
const service = await start();
process.on('message', (question: AppQuestion) => {
  void Promise.resolve(questions[question.ask](question)).then((answer) => tell({ answer }));
});
tell({ answer: 'listening' });
