import { ConfigurationError } from '../common/errors.js';
import { isScopeToken, unionScopes } from '../common/scopes.js';

/** What the decorators on a class and its handler ask for. */
export interface AuthOperation {
  /** No token is asked for. */
  readonly skipped: boolean;
  /** The resource named in `@McpAuth({ resource })`; undefined for the default one. */
  readonly resourceName: string | undefined;
  /** The scopes of class and handler, beside those of the resource. */
  readonly scopes: readonly string[];
}

/** What one decorator adds. */
export interface AuthRequirement {
  readonly resource?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
}

const REQUIREMENT = Symbol('multi-auth:requirement');
const SKIPPED = Symbol('multi-auth:skipped');

/** Class, then handler: one handler may be inherited by several controllers. */
const operations = new WeakMap<object, WeakMap<object, AuthOperation>>();

/**
 * Adds a requirement to a class or handler; several add up, inherited ones included.
 * @throws ConfigurationError when a scope is not one scope-token (RFC 6749 §3.3)
 */
export function declareRequirement(target: object, added: AuthRequirement): AuthRequirement {
  if (isOwnSkip(target)) throw contradiction();
  const previous = requirementOn(target);
  const scopes = unionScopes(previous?.scopes ?? [], added.scopes ?? []);
  ConfigurationError.assertNone(
    scopes
      .filter((scope) => !isScopeToken(scope))
      .map(() => ({
        path: '@McpAuth() or @RequireScopes()',
        problem: 'takes one scope in each argument, without spaces, quotes or backslashes',
      })),
  );
  const requirement = { resource: added.resource ?? previous?.resource, scopes };
  Reflect.defineMetadata(REQUIREMENT, requirement, target);
  return requirement;
}

/** Lets a class or handler be called without a token. */
export function declareSkipped(target: object): void {
  if (Reflect.hasOwnMetadata(REQUIREMENT, target)) throw contradiction();
  Reflect.defineMetadata(SKIPPED, true, target);
}

/** The requirement of a handler in a class, read once. A requirement beats what skips around it. */
export function operationOf(controller: object, handler: object): AuthOperation {
  let ofController = operations.get(controller);
  if (ofController === undefined) operations.set(controller, (ofController = new WeakMap()));
  let operation = ofController.get(handler);
  if (operation === undefined) {
    operation = readOperation(controller, handler);
    ofController.set(handler, operation);
  }
  return operation;
}

function contradiction(): ConfigurationError {
  const problem = 'cannot stand together with @McpAuth() or @RequireScopes()';
  return new ConfigurationError([{ path: '@SkipMcpAuth()', problem }]);
}

function readOperation(controller: object, handler: object): AuthOperation {
  const ofClass = requirementOn(controller);
  const ofHandler = requirementOn(handler);
  return {
    skipped: isOwnSkip(handler) || (ofHandler === undefined && isSkippedClass(controller)),
    resourceName: ofHandler?.resource ?? ofClass?.resource,
    scopes: Object.freeze(unionScopes(ofClass?.scopes ?? [], ofHandler?.scopes ?? [])),
  };
}

function requirementOn(target: object): AuthRequirement | undefined {
  return Reflect.getMetadata(REQUIREMENT, target) as AuthRequirement | undefined;
}

function isOwnSkip(target: object): boolean {
  return Reflect.getOwnMetadata(SKIPPED, target) === true;
}

/** Of a class and those it extends, the nearest one that says anything decides. */
function isSkippedClass(controller: object): boolean {
  for (
    let c: object | null = controller;
    c !== null;
    c = Object.getPrototypeOf(c) as object | null
  ) {
    if (isOwnSkip(c)) return true;
    if (Reflect.hasOwnMetadata(REQUIREMENT, c)) return false;
  }
  return false;
}
