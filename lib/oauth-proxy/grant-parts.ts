import type { GrantParts, StoredParts } from './server-parts.js';
import { GrantIndex } from './tokens/grant-index.js';
import { Grants, type GrantsDependencies } from './tokens/grants.js';
import { longestGrantSeconds } from './tokens/lifetimes.js';
import { RevocationMarks } from './tokens/revocation-marks.js';

/** What keeps the grants, with the logins at an upstream where there is one. */
export function grantParts(
  { host: { clock, events }, records, lifetimes }: StoredParts,
  upstream: Pick<GrantsDependencies, 'sessions' | 'revocations'> = {},
): GrantParts {
  const index = new GrantIndex(records.grantSlots);
  const marks = new RevocationMarks({ ...records, clock, seconds: longestGrantSeconds });
  const { grants, revokedGrants } = records;
  const common = { grants, revokedGrants, index, marks, clock, events };
  const idleSeconds = lifetimes.refreshTokenIdle;
  return { index, marks, grants: new Grants({ ...common, ...upstream, idleSeconds }) };
}
