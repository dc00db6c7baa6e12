import { ConfigurationError } from '../common/errors.js';
import { PROTECTED_RESOURCE } from '../metadata/well-known-paths.js';

/** The paths that all the modules of one app serve: no two may want the same one. */
export class PublishedPaths {
  readonly #taken = new Set<string>();

  /**
   * Claims the paths for a module and answers those it gets. The well-known path without a
   * resource goes to the first that wants it; a client finds the others by their own paths.
   *
   * @throws ConfigurationError when a path is taken
   */
  claim(paths: readonly string[]): readonly string[] {
    const conflicts = paths.filter((p) => this.#taken.has(p) && p !== PROTECTED_RESOURCE);
    if (conflicts.length > 0) {
      const problem = `another MultiAuthModule of this app already serves ${conflicts.join(', ')}: give each its own path in baseUrl and its own resource, or import one module in several places`;
      throw new ConfigurationError([{ path: 'baseUrl', problem }]);
    }
    const free = paths.filter((path) => !this.#taken.has(path));
    for (const path of free) this.#taken.add(path);
    return free;
  }
}
