import type { INestApplication, LoggerService, ModuleMetadata, Type } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const everyPlatform = ['express', 'fastify'] as const;

export type Platform = (typeof everyPlatform)[number];

/** Mutation tests ask for one alone: what is changed is the same on both. */
export const platforms = everyPlatform.filter(
  (platform) => platform === (process.env['TEST_PLATFORM'] ?? platform),
);

export interface AppOptions {
  /** @default no log at all */
  readonly logger?: LoggerService;
  /** @default a free port */
  readonly port?: number;
  /** The proxies whose `X-Forwarded-For` the host believes, such as `loopback`. @default none */
  readonly trustProxy?: string;
}

export interface RunningApp {
  readonly app: INestApplication;
  /** The origin, such as `http://127.0.0.1:40001`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a Nest application on 127.0.0.1; `configure` runs before its routes are made. */
export async function createApp(
  module: Type | DynamicModule,
  platform: Platform,
  configure?: (app: INestApplication) => unknown,
  options: AppOptions = {},
): Promise<RunningApp> {
  const { trustProxy } = options;
  const adapter =
    platform === 'express'
      ? new ExpressAdapter()
      : new FastifyAdapter({ forceCloseConnections: true, ...(trustProxy && { trustProxy }) });
  const app = await NestFactory.create(module, adapter, {
    logger: options.logger ?? false,
    abortOnError: false,
    forceCloseConnections: true,
  });
  if (trustProxy && adapter instanceof ExpressAdapter) adapter.set('trust proxy', trustProxy);
  try {
    await configure?.(app);
    await app.listen(options.port ?? 0, '127.0.0.1');
  } catch (error) {
    await app.close();
    throw error;
  }
  const { port } = app.getHttpServer().address() as { port: number };
  return { app, url: `http://127.0.0.1:${port}`, close: () => app.close() };
}

/** A module class made on the spot. */
export function moduleOf(metadata: ModuleMetadata): DynamicModule {
  return { module: class TestRootModule {}, ...metadata };
}
