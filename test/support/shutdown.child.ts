// An app in a process of its own: `node --import ts-loader.mjs shutdown.child.ts <settings>`. It says
// `ready`, closes at SIGUSR2, and then says what is still open.
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { All, Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  JwtVerifier,
  LmdbStore,
  McpAuth,
  MultiAuthModule,
  OAuthProxy,
  OidcUpstream,
} from '../../lib/index.js';

/** What the parent tells this process, as JSON. */
export interface ShutdownSettings {
  readonly port: number;
  readonly folder: string;
  readonly secret: string;
  readonly upstream: { readonly issuer: string; readonly id: string; readonly secret: string };
  readonly jwks: { readonly uri: string; readonly issuer: string };
  /** Where the documents of clients are served, whatever their host. */
  readonly documents: string;
}

const settings = JSON.parse(process.argv[2] ?? '') as ShutdownSettings;
const origin = `http://127.0.0.1:${settings.port}`;

@Controller('mcp')
@McpAuth()
class DoorController {
  @All()
  open(): object {
    return { ok: true };
  }
}

@Module({
  imports: [
    MultiAuthModule.forRoot({
      baseUrl: origin,
      server: new OAuthProxy({
        upstream: new OidcUpstream({
          issuer: settings.upstream.issuer,
          clientId: settings.upstream.id,
          clientSecret: settings.upstream.secret,
          scopes: ['openid', 'offline_access'],
          extraAuthorizeParams: { prompt: 'consent' },
        }),
        secrets: [settings.secret],
        storage: new LmdbStore({ path: settings.folder }),
        validScopes: ['notes:read'],
        lifetimes: { refreshGrace: 60 },
        rateLimits: false,
        upstreamRecheckSeconds: 10,
        clientIdMetadataDocuments: {
          fetch: (asked, init) => {
            const url = asked instanceof Request ? asked.url : asked;
            return fetch(settings.documents + new URL(url).pathname, init);
          },
        },
      }),
      verifiers: new JwtVerifier({
        jwksUri: settings.jwks.uri,
        issuer: settings.jwks.issuer,
        audience: `${origin}/mcp`,
      }),
    }),
  ],
  controllers: [DoorController],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] });
// Not at SIGUSR2, which is the parent's.
app.enableShutdownHooks(['SIGTERM']);
process.once('SIGUSR2', () => {
  void (async () => {
    await app.close();
    // What Node itself ends in the next turns.
    await delay(100);
    const open = process.getActiveResourcesInfo().filter((kind) => !/^(Pipe|TTY)Wrap$/.test(kind));
    process.stdout.write(`open ${JSON.stringify(open)}\n`);
  })();
});
await app.listen(settings.port, '127.0.0.1');
process.stdout.write('ready\n');
