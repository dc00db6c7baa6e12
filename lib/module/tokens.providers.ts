import type { Type } from '@nestjs/common';

/** The module's own object graph. */
export const RUNTIME = Symbol('multi-auth:runtime');

/** The controller class of one module instance. */
export const ENDPOINTS_CONTROLLER = Symbol('multi-auth:endpoints-controller');

export interface EndpointsController {
  readonly controller: Type;
  /** Whether the app gave decorators for it. */
  readonly decorated: boolean;
  /** Whether its module is global. */
  readonly isGlobal: boolean;
}
