import { Inject, Injectable, Logger, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { ConfigurationError, type ConfigurationIssue } from '../common/errors.js';
import { type AuthOperation, operationOf } from '../resource-server/auth-operation.js';
import type { ResolvedOptions } from './resolve-options.js';

/** Under which RouterModule keeps the path of a module, followed by the id of the app. */
const MODULE_PATH = '__module_path__';

/** Looks, once the app is complete, for decorators that ask for what nobody can give. */
@Injectable()
export class BootChecks implements OnApplicationBootstrap {
  readonly #logger = new Logger('MultiAuth');
  readonly #modules: ResolvedOptions[] = [];
  readonly #servers = new Set<object>();

  constructor(@Inject(ModulesContainer) private readonly container: ModulesContainer) {}

  /** Adds one module of the app: its options and its class. */
  add(options: ResolvedOptions, module: object): void {
    this.#modules.push(options);
    if (options.provider) this.#servers.add(module);
  }

  /**
   * @throws ConfigurationError when a decorator names a resource that no module has, or RouterModule
   * moves the endpoints away from where clients look.
   */
  onApplicationBootstrap(): void {
    ConfigurationError.assertNone(this.#movedEndpoints());
    const handlers = this.#handlers();
    ConfigurationError.assertNone(
      handlers
        .filter(({ operation }) => !this.#hasResource(operation.resourceName))
        .map(({ name, operation }) => ({
          path: name,
          problem: `@McpAuth names the resource ${operation.resourceName}, which is not configured`,
        })),
    );
    this.#warnOfUnobtainableScopes(handlers);
  }

  #movedEndpoints(): readonly ConfigurationIssue[] {
    const key = MODULE_PATH + this.container.applicationId;
    const problem = 'gives MultiAuthModule a path: leave it out there and put it in baseUrl';
    return [...this.#servers].some((module) => Reflect.hasMetadata(key, module))
      ? [{ path: 'RouterModule', problem }]
      : [];
  }

  #hasResource(name: string | undefined): boolean {
    return name === undefined || this.#modules.some((m) => m.resources.named(name) !== undefined);
  }

  #warnOfUnobtainableScopes(handlers: readonly Handler[]): void {
    const [only] = this.#modules;
    const supported = only?.provider?.scopesSupported?.();
    if (!supported || this.#modules.length > 1 || only?.sources.length !== 1) return;
    for (const { name, operation } of handlers) {
      const missing = operation.scopes.filter((s) => !supported.includes(s));
      if (missing.length === 0) continue;
      this.#logger.warn(
        `${name} needs ${missing.join(', ')}, which the server gives nobody: add it to validScopes`,
      );
    }
  }

  #handlers(): readonly Handler[] {
    const scanner = new MetadataScanner();
    const controllers = [...this.container.values()].flatMap((m) => [...m.controllers.values()]);
    return controllers.flatMap(({ metatype }) => {
      if (typeof metatype !== 'function') return [];
      const controller = metatype as Type;
      const prototype = controller.prototype as Record<string, unknown>;
      return scanner.getAllMethodNames(prototype).flatMap((method): Handler[] => {
        const handler = prototype[method];
        if (typeof handler !== 'function') return [];
        const operation = operationOf(controller, handler);
        return [{ name: `${controller.name}.${method}`, operation }];
      });
    });
  }
}

interface Handler {
  readonly name: string;
  readonly operation: AuthOperation;
}
