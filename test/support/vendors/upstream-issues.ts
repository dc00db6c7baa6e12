import { MultiAuthEvents, SystemClock, type Upstream } from '../../../lib/index.js';

/** The paths of what is wrong with an upstream's options, below `upstream`. */
export function issuesOf(upstream: Upstream): readonly string[] {
  const host = {
    baseUrl: 'https://mcp.test',
    clock: new SystemClock(),
    events: new MultiAuthEvents(),
  };
  return upstream.issues(host, 'upstream').map(({ path }) => path);
}
