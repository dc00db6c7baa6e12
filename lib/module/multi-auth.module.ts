import {
  Inject,
  Logger,
  Module,
  type NestModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { ConfigurationError } from '../common/errors.js';
import { McpAuthGuard } from '../resource-server/mcp-auth.guard.js';
import { BootChecks } from './boot-checks.explorer.js';
import { answerParserErrors, mountEndpoints } from './endpoint-mounting.routes.js';
import { ConfigurableModuleClass } from './multi-auth.module-definition.js';
import { multiAuthExports, multiAuthProviders } from './multi-auth.providers.js';
import type { MultiAuthRuntime } from './multi-auth-runtime.js';
import { MultiAuthSharedModule } from './multi-auth-shared.module.js';
import { PublishedPaths } from './published-paths.js';
import { ENDPOINTS_CONTROLLER, type EndpointsController, RUNTIME } from './tokens.providers.js';

/**
 * Protects the MCP servers of a Nest app: `MultiAuthModule.forRoot(options)`, or
 * `forRootAsync({ useFactory | useClass | useExisting })`, and `@McpAuth()` on the controllers.
 *
 * It serves the OAuth endpoints and metadata of its `server` at the root of the app, whatever
 * prefix or versioning the app has.
 */
@Module({
  imports: [MultiAuthSharedModule],
  providers: multiAuthProviders,
  exports: multiAuthExports,
})
export class MultiAuthModule
  extends ConfigurableModuleClass
  implements NestModule, OnApplicationShutdown
{
  constructor(
    @Inject(RUNTIME) private readonly runtime: MultiAuthRuntime,
    @Inject(ENDPOINTS_CONTROLLER) private readonly endpoints: EndpointsController,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(PublishedPaths) private readonly published: PublishedPaths,
    @Inject(BootChecks) checks: BootChecks,
  ) {
    super();
    // A request-scoped dependency of the factory would leave a module without its parts.
    if ((runtime as MultiAuthRuntime | undefined) === undefined) throw requestScoped();
    checks.add({
      options: runtime.options,
      module: this.constructor,
      isGlobal: endpoints.isGlobal,
    });
  }

  configure(): void {
    const { dispatcher } = this.runtime;
    const paths = this.published.claim(dispatcher.paths);
    if (paths.length === 0) return;
    mountEndpoints(this.endpoints.controller, paths, this.config);
    answerParserErrors(this.host.httpAdapter, paths, dispatcher);
    this.#warnOfGlobalGuards();
  }

  /** After the server has stopped taking requests: the last ones still need the store. */
  async onApplicationShutdown(): Promise<void> {
    await this.runtime.stop();
  }

  #warnOfGlobalGuards(): void {
    if (this.endpoints.decorated) return;
    const ofRequests = this.config.getGlobalRequestGuards().map(({ metatype }) => metatype);
    const guards = [...this.config.getGlobalGuards().map((g) => g.constructor), ...ofRequests];
    // The library's own guard knows that its endpoints are public.
    if (guards.every((guard) => isOwnGuard(guard))) return;
    new Logger('MultiAuth').warn(
      'The app has a global guard. Unless it lets the OAuth endpoints pass, nobody can log in: give its public marker in controllerDecorators.',
    );
  }
}

function isOwnGuard(guard: unknown): boolean {
  if (typeof guard !== 'function') return false;
  return guard === McpAuthGuard || guard.prototype instanceof McpAuthGuard;
}

function requestScoped(): ConfigurationError {
  const problem = 'names a request-scoped provider: the options are needed when the app starts';
  return new ConfigurationError([{ path: 'forRootAsync.inject', problem }]);
}
