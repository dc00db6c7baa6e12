import { applyDecorators, UseGuards } from '@nestjs/common';

import { ConfigurationError } from '../common/errors.js';
import { unknownOptionIssues } from '../common/option-issues.js';
import { declareRequirement, declareSkipped } from './auth-operation.js';
import type { AuthRequirement } from './auth-operation.js';
import { McpAuthGuard } from './mcp-auth.guard.js';

/** What `@McpAuth()` asks for. */
export interface McpAuthOptions {
  /** The name of the resource the handlers belong to. Default: the first one configured. */
  readonly resource?: string;
  /** The scopes needed beside those of the resource. */
  readonly scopes?: readonly string[];
}

const GUARDED = Symbol('multi-auth:guarded');

/** Where MCP-Nest looks up the scopes of a tool, to hide it from those who may not call it. */
const MCP_NEST_SCOPES = 'mcp:scopes';

/**
 * Protects a controller or a handler with a bearer token. The scopes of class and handler add up.
 * @throws ConfigurationError when an argument is not one scope (RFC 6749 §3.3)
 */
export function McpAuth(...scopes: readonly string[]): ClassDecorator & MethodDecorator;
export function McpAuth(options: McpAuthOptions): ClassDecorator & MethodDecorator;
export function McpAuth(
  ...args: readonly string[] | readonly [McpAuthOptions]
): ClassDecorator & MethodDecorator {
  const [first] = args;
  const options = typeof first === 'object' ? known(first) : { scopes: args as readonly string[] };
  return applyDecorators(guarded(), requirement(options));
}

/**
 * Asks for scopes beside those of `@McpAuth()`, and protects what is not protected yet.
 * @throws ConfigurationError when an argument is not one scope (RFC 6749 §3.3)
 */
export function RequireScopes(...scopes: readonly string[]): ClassDecorator & MethodDecorator {
  return applyDecorators(guarded(), requirement({ scopes }));
}

/** Lets a handler of a protected controller, or a whole controller, be called without a token. */
export function SkipMcpAuth(): ClassDecorator & MethodDecorator {
  return onTarget((target) => declareSkipped(target));
}

/** A list, or a misspelt member, would ask for nothing at all. */
function known(options: McpAuthOptions): McpAuthOptions {
  ConfigurationError.assertNone(
    unknownOptionIssues('@McpAuth()', options, [
      'resource',
      'scopes',
    ] satisfies (keyof McpAuthOptions)[]),
  );
  return options;
}

/** The guard, once a target however many decorators ask for it. */
function guarded(): ClassDecorator & MethodDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const guardedTarget = (descriptor?.value as object | undefined) ?? target;
    if (Reflect.hasOwnMetadata(GUARDED, guardedTarget)) return;
    Reflect.defineMetadata(GUARDED, true, guardedTarget);
    const useGuard: (...of: unknown[]) => void = UseGuards(McpAuthGuard);
    useGuard(target, key, descriptor);
  };
}

function requirement(added: AuthRequirement): ClassDecorator & MethodDecorator {
  return onTarget((target, isHandler) => {
    const { scopes = [] } = declareRequirement(target, added);
    if (isHandler && scopes.length > 0) Reflect.defineMetadata(MCP_NEST_SCOPES, scopes, target);
  });
}

function onTarget(
  declare: (target: object, isHandler: boolean) => void,
): ClassDecorator & MethodDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const handler: unknown = descriptor?.value;
    if (typeof handler === 'function') declare(handler, true);
    else declare(target, false);
  };
}
