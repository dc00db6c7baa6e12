/**
 * Mutation tests of what security rests on, one target a run: `MUTATE=consent npm run test:mutation`.
 * Each target has the files that are changed and the specs that must notice.
 */
const targets = {
  'redirect-uri': {
    mutate: [
      'lib/oauth-proxy/clients/redirect-uri.ts',
      'lib/oauth-proxy/clients/redirect-uri-allow-list.ts',
    ],
    specs: ['lib/oauth-proxy/clients/redirect-uri*.spec.ts'],
  },
  consent: {
    mutate: ['lib/oauth-proxy/consent/*.ts', 'lib/oauth-proxy/endpoints/consent.endpoint.ts'],
    specs: [
      'lib/oauth-proxy/consent/*.spec.ts',
      'test/security/{consent*,cross-origin,remembered-consent,text-spoofing,two-browsers}.spec.ts',
    ],
  },
  codes: {
    mutate: [
      'lib/oauth-proxy/grants/authorization-code.grant.ts',
      'lib/oauth-proxy/tokens/authorization-codes.ts',
    ],
    specs: ['test/security/{authorization-code,grants,pkce}.spec.ts'],
  },
  refresh: {
    mutate: ['lib/oauth-proxy/grants/refresh-token.grant.ts'],
    specs: ['test/security/{grants,refresh-token-*,upstream-refresh}.spec.ts'],
  },
  'client-authentication': {
    mutate: ['lib/oauth-proxy/clients/client-{assertions,authenticator,credentials}.ts'],
    specs: [
      'lib/oauth-proxy/clients/client-{credentials,keys}.spec.ts',
      'test/property/base64.spec.ts',
      'test/security/client-authentication*.spec.ts',
    ],
  },
  ssrf: {
    mutate: ['lib/http/public-address.ts'],
    specs: ['lib/http/public-address.spec.ts'],
  },
  challenge: {
    mutate: ['lib/resource-server/bearer-challenge.ts'],
    specs: ['lib/resource-server/*.spec.ts', 'test/security/guard.spec.ts'],
  },
};

/** The target that `MUTATE` names. */
export const target = targets[process.env.MUTATE];

if (!target) throw new Error(`MUTATE must be one of: ${Object.keys(targets).join(', ')}`);

export default {
  mutate: [...target.mutate, '!**/*.spec.ts'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--no-warnings'],
  jest: { configFile: 'jest.mutation.config.mjs', enableFindRelatedTests: true },
  coverageAnalysis: 'perTest',
  // What runs once, at import, cannot be told apart by test.
  ignoreStatic: true,
  disableTypeChecks: true,
  concurrency: 1,
  // Modules of a mutant stay in memory.
  maxTestRunnerReuse: 40,
  timeoutMS: 15_000,
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  tempDirName: '.stryker-tmp',
};
