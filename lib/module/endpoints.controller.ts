import { All, Controller, Inject, Req, Res, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import { serveEndpoint } from '../http/endpoint.responder.js';
import { SkipMcpAuth } from '../resource-server/mcp-auth.decorator.js';
import type { MultiAuthRuntime } from './multi-auth-runtime.js';
import { RUNTIME } from './tokens.providers.js';

/** Serves the OAuth endpoints and the metadata; which paths those are is known once the app starts. */
class EndpointsControllerBase {
  constructor(@Inject(RUNTIME) private readonly runtime: MultiAuthRuntime) {}

  // The response is written here: no interceptor of the app can wrap what RFCs define.
  @All()
  serve(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    return serveEndpoint(this.runtime.dispatcher, request, response);
  }
}

/** A controller class for one module instance, with no path yet. */
export function endpointsControllerFor(decorators: readonly ClassDecorator[]): Type {
  class MultiAuthEndpoints extends EndpointsControllerBase {}
  SkipMcpAuth()(MultiAuthEndpoints);
  for (const decorate of decorators) decorate(MultiAuthEndpoints);
  setPaths(MultiAuthEndpoints, []);
  return MultiAuthEndpoints;
}

/** Nest reads the paths of a controller when it registers the routes, after all providers exist. */
export function setPaths(controller: Type, paths: readonly string[]): void {
  Controller({ path: [...paths], version: VERSION_NEUTRAL })(controller);
}
