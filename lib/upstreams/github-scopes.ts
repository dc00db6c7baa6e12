import { unionScopes } from '../common/scopes.js';
import type { ScopeMapping } from '../oauth-proxy/upstream/upstream-scopes.js';

/** GitHub's broad scopes and what each of them includes. */
const included: Readonly<Record<string, readonly string[]>> = {
  repo: ['repo:status', 'repo_deployment', 'public_repo', 'repo:invite', 'security_events'],
  user: ['read:user', 'user:email', 'user:follow'],
  'admin:enterprise': ['manage_runners:enterprise', 'manage_billing:enterprise', 'read:enterprise'],
  'admin:gpg_key': ['write:gpg_key', 'read:gpg_key'],
  'admin:org': ['write:org', 'read:org', 'manage_runners:org'],
  'admin:public_key': ['write:public_key', 'read:public_key'],
  'admin:repo_hook': ['write:repo_hook', 'read:repo_hook'],
  'admin:ssh_signing_key': ['write:ssh_signing_key', 'read:ssh_signing_key'],
  project: ['read:project'],
  'write:discussion': ['read:discussion'],
  'write:gpg_key': ['read:gpg_key'],
  'write:org': ['read:org'],
  'write:packages': ['read:packages'],
  'write:public_key': ['read:public_key'],
  'write:repo_hook': ['read:repo_hook'],
  'write:ssh_signing_key': ['read:ssh_signing_key'],
};

/**
 * GitHub grants `user` alone to who asked for `user` and `read:user`: what a broad scope includes is
 * left out of its answers.
 */
export const gitHubScopes: ScopeMapping = {
  toUpstream: (scopes) => scopes,
  fromUpstream: (scopes) =>
    unionScopes(scopes, ...scopes.map((s) => (Object.hasOwn(included, s) ? included[s]! : []))),
};
