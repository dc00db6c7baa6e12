import type { ProtectedResource } from './protected-resource.js';
import { sameResource } from './resource-identifier.js';

/** The resources one module protects; the first is the default one. */
export class ResourceRegistry {
  constructor(private readonly resources: readonly [ProtectedResource, ...ProtectedResource[]]) {}

  get default(): ProtectedResource {
    return this.resources[0];
  }

  get all(): readonly ProtectedResource[] {
    return this.resources;
  }

  /** The resource of that name, or undefined. */
  named(name: string): ProtectedResource | undefined {
    return this.resources.find((r) => r.name === name);
  }

  /** The resource a client means by a `resource` parameter (RFC 8707 §2), or undefined. */
  identifiedBy(identifier: string): ProtectedResource | undefined {
    return this.resources.find((r) => sameResource(r.identifier, identifier));
  }
}
