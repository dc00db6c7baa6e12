import { HttpException, Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';

import { isPromise } from '../common/awaitable.js';
import type { Awaitable } from '../common/awaitable.js';
import { ConfigurationError } from '../common/errors.js';
import type { ProtectedResource } from '../resources/protected-resource.js';
import type { ResourceRegistry } from '../resources/resource-registry.js';
import type { AccessToken } from '../verifiers/access-token.js';
import { toAuthInfo } from './auth-info.js';
import { operationOf } from './auth-operation.js';
import type { AuthOperation } from './auth-operation.js';
import type { BearerCredentials } from './bearer-token.js';
import {
  isPreflight,
  mayOpenSession,
  rawResponseOf,
  sessionIdOf,
  setHeaders,
} from './http-exchange.js';
import type { GuardedRequest, GuardedResponse } from './http-exchange.js';
import { McpBearerStrategy } from './mcp-bearer.strategy.js';
import type { McpBearerOptions } from './mcp-bearer.strategy.js';
import { OAuthException, PreflightException } from './oauth.exception.js';
import { FOREIGN_SESSION } from './refusal.js';
import { admissionOf, admissionOfContext, placeAdmission } from './request-carrier.js';
import { ResourceServer } from './resource-server.js';
import type { Admission, Operation } from './resource-server.js';

/**
 * Lets a request pass when it brings a token that one of the sources accepts and that has the
 * scopes asked for. Outside HTTP the request that brought the message must have passed already.
 *
 * A CORS preflight is answered 204 without credentials and without reaching the handler; which
 * origins may read is the app's to say (`app.enableCors()`).
 */
@Injectable()
export class McpAuthGuard implements CanActivate {
  constructor(
    @Inject(ResourceServer) protected readonly server: ResourceServer,
    @Inject(McpBearerStrategy) protected readonly strategy: McpBearerStrategy,
  ) {}

  /** The resources it can guard. */
  get resources(): ResourceRegistry {
    return this.server.resources;
  }

  /** Answers without a promise when no source had to wait. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const operation = operationOf(context.getClass(), context.getHandler());
    if (operation.skipped) return true;
    try {
      if (context.getType<string>() !== 'http') return this.#passedBefore(context, operation);
      const token = this.#authenticate(context, operation);
      if (!isPromise(token)) return true;
      return token.then(
        () => true,
        (thrown: unknown) => this.#close(context, thrown),
      );
    } catch (thrown) {
      return this.#close(context, thrown);
    }
  }

  /** What `AuthGuard('mcp-bearer')` of `@nestjs/passport` must hand on to the strategy. */
  authenticateOptions(context: ExecutionContext): McpBearerOptions {
    const request = this.getRequest(context);
    const response = this.getResponse(context);
    const { scopes } = operationOf(context.getClass(), context.getHandler());
    const exchange = {
      request,
      response,
      operation: { resource: this.resourceOf(context), requiredScopes: scopes },
    };
    const { tokenHeaders } = this.server;
    return { admit: (credentials) => this.#admit(exchange, credentials), tokenHeaders };
  }

  /** The framework's request. */
  protected getRequest(context: ExecutionContext): GuardedRequest {
    return context.switchToHttp().getRequest<GuardedRequest>();
  }

  /** The framework's response. */
  protected getResponse(context: ExecutionContext): GuardedResponse {
    return context.switchToHttp().getResponse<GuardedResponse>();
  }

  /** The resource the request is made to: the one its decorators name, or the default one. */
  protected resourceOf(context: ExecutionContext): ProtectedResource {
    const { resourceName } = operationOf(context.getClass(), context.getHandler());
    const { resources } = this.server;
    const resource = resourceName === undefined ? resources.default : resources.named(resourceName);
    if (resource !== undefined) return resource;
    throw new ConfigurationError([
      { path: '@McpAuth({ resource })', problem: `${resourceName} is not a configured resource` },
    ]);
  }

  #authenticate(context: ExecutionContext, { scopes }: AuthOperation): Awaitable<AccessToken> {
    const request = this.getRequest(context);
    if (isPreflight(request)) throw new PreflightException();
    const before = admissionOf(request);
    if (
      before?.admittedBy === this.server &&
      before.requiredScopes === scopes &&
      before.resource === this.resourceOf(context)
    ) {
      return before.token;
    }
    return this.strategy.attempt(request, this.authenticateOptions(context));
  }

  #admit(exchange: Exchange, credentials: BearerCredentials): Awaitable<Admission> {
    const admission = this.server.judge(exchange.operation, credentials);
    return isPromise(admission)
      ? admission.then((reached) => this.#settle(exchange, reached))
      : this.#settle(exchange, admission);
  }

  #settle(exchange: Exchange, reached: Admission): Admission {
    const { request, response, operation } = exchange;
    const admission = reached.admitted ? this.#inSession(exchange, reached) : reached;
    if (!admission.admitted) {
      setHeaders(response, admission.refusal.headers);
      return admission;
    }
    const { token } = admission;
    const metadataUrl = this.server.metadataUrl(operation.resource);
    placeAdmission(
      request,
      { token, ...operation, admittedBy: this.server },
      toAuthInfo(token, operation.resource, metadataUrl),
    );
    return admission;
  }

  #inSession(exchange: Exchange, admission: Admission & { admitted: true }): Admission {
    const { request, response, operation } = exchange;
    const { sessions } = this.server;
    if (sessions === undefined) return admission;
    const resource = operation.resource.identifier;
    const named = sessionIdOf(request);
    const owner =
      named === undefined ? undefined : sessions.ownerOf(named, admission.token, resource);
    if (owner === 'another') return { admitted: false, refusal: FOREIGN_SESSION };
    const adopted = owner === 'unknown' ? named : undefined;
    if (adopted !== undefined || mayOpenSession(request)) {
      sessions.watch(rawResponseOf(response), admission.token, resource, adopted);
    }
    return admission;
  }

  #passedBefore(context: ExecutionContext, { scopes, resourceName }: AuthOperation): boolean {
    const before = admissionOfContext(context);
    if (before === undefined || !this.server.resources.all.includes(before.resource)) return false;
    if (resourceName !== undefined && before.resource.name !== resourceName) return false;
    return this.server.covers(before.token, scopes);
  }

  /** Whatever goes wrong, the handler is not reached. */
  #close(context: ExecutionContext, thrown: unknown): never {
    if (thrown instanceof HttpException) throw thrown;
    const refusal = this.server.fail(thrown);
    if (context.getType<string>() === 'http') {
      setHeaders(this.getResponse(context), refusal.headers);
    }
    throw OAuthException.of(refusal);
  }
}

interface Exchange {
  readonly request: GuardedRequest;
  readonly response: GuardedResponse;
  readonly operation: Operation;
}
