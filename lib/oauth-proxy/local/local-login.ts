import { grantParts } from '../grant-parts.js';
import { loginEndpoints, loginPieces } from '../login-endpoints.js';
import type { LoginParts, StoredParts } from '../server-parts.js';
import { LoginRecheck } from '../tokens/login-recheck.js';
import { LocalConsent } from './local-consent.js';
import { LocalLife } from './local-life.js';
import type { LocalLogin } from './local-login-options.js';
import { LocalUsers } from './local-users.js';
import type { ReturnUrls } from './return-urls.js';

/** Users log in at the app itself, before they agree. */
export function localLogin(
  login: LocalLogin,
  returnUrls: ReturnUrls,
  parts: StoredParts,
): LoginParts {
  const { host, records } = parts;
  const { clock, events } = host;
  const users = new LocalUsers(login);
  const kept = grantParts(parts);
  const life = new LocalLife({ users, grants: kept.grants, events });
  const { recheckSeconds: intervalSeconds } = login;
  const recheck =
    intervalSeconds === undefined
      ? undefined
      : new LoginRecheck({ ...records, life, clock, intervalSeconds });
  return {
    ...kept,
    life,
    recheck,
    endpoints: (shared) => {
      const pieces = loginPieces(shared);
      const stage = new LocalConsent({ ...pieces, users, returnUrls });
      return loginEndpoints(shared, pieces, { gate: stage, stage });
    },
    settled: async () => recheck?.settled(),
  };
}
