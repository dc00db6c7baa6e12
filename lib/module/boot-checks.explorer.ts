import { Inject, Injectable, Logger, type OnApplicationBootstrap, type Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { ConfigurationError, type ConfigurationIssue } from '../common/errors.js';
import { type AuthOperation, operationOf } from '../resource-server/auth-operation.js';
import { McpAuthGuard } from '../resource-server/mcp-auth.guard.js';
import { OAuthProvider } from '../verifiers/oauth-provider.js';
import type { ResolvedOptions } from './resolve-options.js';

/** Under which RouterModule keeps the path of a module, followed by the id of the app. */
const MODULE_PATH = '__module_path__';

/** Looks, once the app is complete, for decorators that ask for what nobody can give. */
@Injectable()
export class BootChecks implements OnApplicationBootstrap {
  readonly #logger = new Logger('MultiAuth');
  readonly #registrations: Registration[] = [];

  constructor(@Inject(ModulesContainer) private readonly container: ModulesContainer) {}

  /** Adds one module of the app. */
  add(registration: Registration): void {
    this.#registrations.push(registration);
  }

  /**
   * @throws ConfigurationError when a decorator names a resource that its module does not have, when
   * two modules are global, or when RouterModule moves the endpoints away from where clients look.
   */
  onApplicationBootstrap(): void {
    ConfigurationError.assertNone([...this.#movedEndpoints(), ...this.#rivals()]);
    const handlers = this.#handlers();
    ConfigurationError.assertNone(
      handlers
        .filter((handler) => !this.#hasResource(handler))
        .map(({ name, operation }) => ({
          path: name,
          problem: `@McpAuth names the resource ${operation.resourceName}, which the MultiAuthModule that guards it does not have`,
        })),
    );
    this.#warnOfUnobtainableScopes(handlers);
  }

  #movedEndpoints(): readonly ConfigurationIssue[] {
    const key = MODULE_PATH + this.container.applicationId;
    const problem = 'gives MultiAuthModule a path: leave it out there and put it in baseUrl';
    const servers = this.#registrations.filter(({ options }) => options.provider);
    return servers.some(({ module }) => Reflect.hasMetadata(key, module))
      ? [{ path: 'RouterModule', problem }]
      : [];
  }

  /** Of two global modules the order of imports would choose who guards what. */
  #rivals(): readonly ConfigurationIssue[] {
    if (this.#registrations.filter(({ isGlobal }) => isGlobal).length < 2) return [];
    return [{ path: 'isGlobal', problem: 'is set on two modules: import each where it guards' }];
  }

  #hasResource({ operation, guard }: Handler): boolean {
    const name = operation.resourceName;
    if (name === undefined) return true;
    if (guard) return guard.resources.named(name) !== undefined;
    return this.#registrations.some(({ options }) => options.resources.named(name) !== undefined);
  }

  #warnOfUnobtainableScopes(handlers: readonly Handler[]): void {
    const [only, second] = this.#registrations;
    // Another provider's scopes may not be known yet, and are not all that can be had.
    const provider = only?.options.provider;
    const supported = provider instanceof OAuthProvider ? provider.scopesSupported?.() : undefined;
    if (!supported || second || only?.options.sources.length !== 1) return;
    for (const { name, operation } of handlers) {
      const missing = operation.scopes.filter((s) => !supported.includes(s));
      if (missing.length === 0) continue;
      this.#logger.warn(
        `${name} needs ${missing.join(', ')}, which the server gives nobody: add it to validScopes`,
      );
    }
  }

  #handlers(): readonly Handler[] {
    return [...this.container.values()].flatMap(({ controllers, injectables }) => {
      const guards = [...injectables.values()].map(({ instance }) => instance);
      const guard = guards.find((g) => g instanceof McpAuthGuard);
      return [...controllers.values()].flatMap(({ metatype }) =>
        typeof metatype === 'function' ? handlersOf(metatype as Type, guard) : [],
      );
    });
  }
}

interface Registration {
  readonly options: ResolvedOptions;
  /** The module's class. */
  readonly module: object;
  readonly isGlobal: boolean;
}

interface Handler {
  readonly name: string;
  readonly operation: AuthOperation;
  /** The guard of the module it belongs to. */
  readonly guard: McpAuthGuard | undefined;
}

function handlersOf(controller: Type, guard: McpAuthGuard | undefined): readonly Handler[] {
  const prototype = controller.prototype as Record<string, unknown>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((method): Handler[] => {
    const handler = prototype[method];
    if (typeof handler !== 'function') return [];
    const operation = operationOf(controller, handler);
    return [{ name: `${controller.name}.${method}`, operation, guard }];
  });
}
