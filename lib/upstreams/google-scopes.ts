import { unionScopes } from '../common/scopes.js';
import type { ScopeMapping } from '../oauth-proxy/upstream/upstream-scopes.js';

const longNames: Readonly<Record<string, string>> = {
  email: 'https://www.googleapis.com/auth/userinfo.email',
  profile: 'https://www.googleapis.com/auth/userinfo.profile',
};

/** Google answers with the long names, also to who asked for the short ones. */
export const googleScopes: ScopeMapping = {
  toUpstream: (scopes) => scopes,
  fromUpstream: (scopes) => {
    const pairs = Object.entries(longNames).filter((pair) => pair.some((s) => scopes.includes(s)));
    return unionScopes(scopes, pairs.flat());
  },
};
