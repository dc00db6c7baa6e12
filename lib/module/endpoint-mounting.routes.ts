import { RequestMethod, type Type } from '@nestjs/common';
import type { AbstractHttpAdapter, ApplicationConfig } from '@nestjs/core';
import type { EndpointDispatcher } from '../http/dispatcher.js';
import { toEndpointRequest, writeResponse } from '../http/endpoint.responder.js';
import { OAuthError } from '../http/oauth-error.js';
import { setPaths } from './endpoints.controller.js';

/**
 * Puts a module's endpoints at their exact paths: at the root, whatever prefix and versioning the
 * app has. It must run after `setGlobalPrefix` and before Nest registers the routes.
 */
export function mountEndpoints(
  controller: Type,
  paths: readonly string[],
  config: ApplicationConfig,
): void {
  setPaths(controller, paths);
  const options = config.getGlobalPrefixOptions();
  const excluded = paths.map((path) => ({
    path,
    requestMethod: RequestMethod.ALL,
    pathRegex: new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/?$`),
  }));
  config.setGlobalPrefixOptions({ ...options, exclude: [...(options.exclude ?? []), ...excluded] });
}

/**
 * Lets the endpoints answer for bodies that the host's own parser refuses, which would otherwise be
 * answered in the app's format and not in the protocol's.
 */
export function answerParserErrors(
  adapter: AbstractHttpAdapter,
  paths: readonly string[],
  dispatcher: EndpointDispatcher,
): void {
  const ours = new Set(paths);
  const answer = (error: unknown, request: unknown, response: unknown): boolean => {
    const head = toEndpointRequest(request);
    if (!ours.has(head.path)) return false;
    const fault = dispatcher.answerFault(head.path, parserError(error), head);
    writeResponse(response, fault.response, fault.cors, head);
    return true;
  };
  if (adapter.getType() === 'fastify') onFastify(adapter, ours, answer);
  else onExpress(adapter, answer);
}

type Answer = (error: unknown, request: unknown, response: unknown) => boolean;

function onExpress(adapter: AbstractHttpAdapter, answer: Answer): void {
  // Express knows an error handler by its four parameters.
  adapter.use((error: unknown, request: unknown, response: unknown, next: (e: unknown) => void) => {
    if (!answer(error, request, response)) next(error);
  });
}

interface FastifyRoute {
  readonly url: string;
  errorHandler?: (error: unknown, request: unknown, reply: unknown) => void;
}

function onFastify(adapter: AbstractHttpAdapter, ours: Set<string>, answer: Answer): void {
  const fastify = adapter.getInstance<{
    addHook(name: 'onRoute', hook: (route: FastifyRoute) => void): void;
  }>();
  fastify.addHook('onRoute', (route) => {
    if (!ours.has(route.url)) return;
    route.errorHandler = (error, request, reply) => {
      if (!answer(error, request, reply)) throw error;
    };
  });
}

function parserError(error: unknown): unknown {
  const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
  const code = Number(status ?? statusCode);
  if (!(code >= 400 && code < 500)) return error;
  const description = code === 413 ? 'The body is too long.' : 'The body cannot be read.';
  return new OAuthError('invalid_request', description, { status: code });
}
