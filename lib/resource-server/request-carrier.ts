import type { ProtectedResource } from '../resources/protected-resource.js';
import type { AccessToken } from '../verifiers/access-token.js';
import type { AuthInfo } from './auth-info.js';

/** What an admitted request carries in a slot that no client can name. */
export interface CarriedAdmission {
  readonly token: AccessToken;
  readonly resource: ProtectedResource;
  /** The operation's own list of scopes, by identity: the same list was already checked. */
  readonly requiredScopes: readonly string[];
  /** Who admitted the request. */
  readonly admittedBy: object;
}

/** The part of Nest's execution context that tells where a request is. */
export interface CarrierContext {
  getType(): string;
  switchToHttp(): { getRequest(): unknown };
  switchToRpc(): { getContext(): unknown };
}

const ADMISSION = Symbol('multi-auth:admission');
const METADATA_URL = Symbol.for('@rekog/mcp-nest:resource-metadata-url');

/** Puts an admission on the request: the private slot, and what handlers and MCP servers read. */
export function placeAdmission(request: object, admission: CarriedAdmission, auth: AuthInfo): void {
  const placed = {
    user: admission.token,
    auth,
    [ADMISSION]: admission,
    ...(auth.resourceMetadataUrl !== undefined && { [METADATA_URL]: auth.resourceMetadataUrl }),
  };
  Object.assign(request, placed);
  // Fastify hands MCP transports the raw request.
  const { raw } = request as { raw?: unknown };
  if (isObject(raw)) Object.assign(raw, placed);
}

/** The admission in the private slot of a request; undefined when the request was not admitted. */
export function admissionOf(request: unknown): CarriedAdmission | undefined {
  return isObject(request) ? (request as { [ADMISSION]?: CarriedAdmission })[ADMISSION] : undefined;
}

/**
 * The admission that belongs to a call. In RPC the "request" is the tool's arguments, which the
 * client writes; there only the transport's raw request is looked at.
 */
export function admissionOfContext(context: CarrierContext): CarriedAdmission | undefined {
  switch (context.getType()) {
    case 'http':
      return admissionOf(context.switchToHttp().getRequest());
    case 'rpc':
      return admissionOf(rawRequestOf(context.switchToRpc().getContext()));
    default:
      return undefined;
  }
}

function rawRequestOf(rpcContext: unknown): unknown {
  if (!isObject(rpcContext)) return undefined;
  const { getRawRequest } = rpcContext as { getRawRequest?: unknown };
  return typeof getRawRequest === 'function' ? getRawRequest.call(rpcContext) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
