import { describe, expect, it } from '@jest/globals';
import { runClientScenario } from './client-suite.js';
import {
  logInThroughProxy,
  oauth2Upstream,
  oidcUpstream,
  type SuiteLogin,
  type SuiteLoginOptions,
} from './suite-as-upstream.js';

interface Case {
  readonly scenario: string;
  /** How many checks the suite makes. */
  readonly checks: number;
  readonly outcome: SuiteLogin;
  readonly clientAuthentication?: SuiteLoginOptions['clientAuthentication'];
}

const loggedIn = { subject: 'alice' };
const refused = { error: 'server_error' };
// The user can press the button again, should the metadata become right.
const unavailable = { page: 502 };

const cases: readonly Case[] = [
  { scenario: 'iss-supported', checks: 10, outcome: loggedIn },
  { scenario: 'iss-not-advertised', checks: 10, outcome: loggedIn },
  { scenario: 'iss-supported-missing', checks: 6, outcome: refused },
  { scenario: 'iss-wrong-issuer', checks: 6, outcome: refused },
  { scenario: 'iss-unexpected', checks: 6, outcome: refused },
  { scenario: 'iss-normalized', checks: 6, outcome: refused },
  { scenario: 'metadata-issuer-mismatch', checks: 3, outcome: unavailable },
  {
    scenario: 'token-endpoint-auth-basic',
    checks: 15,
    outcome: loggedIn,
    clientAuthentication: 'client_secret_basic',
  },
  {
    scenario: 'token-endpoint-auth-post',
    checks: 15,
    outcome: loggedIn,
    clientAuthentication: 'client_secret_post',
  },
  { scenario: 'token-endpoint-auth-none', checks: 15, outcome: loggedIn },
];

describe("the official suite's own server as the upstream of the proxy", () => {
  async function play(
    { scenario, clientAuthentication = 'none' }: Pick<Case, 'scenario' | 'clientAuthentication'>,
    options: Pick<SuiteLoginOptions, 'upstream' | 'platform'>,
  ) {
    const outcomes: SuiteLogin[] = [];
    const { isPassed, result } = await runClientScenario({
      scenario: `auth/${scenario}`,
      client: async (serverUrl) => {
        outcomes.push(await logInThroughProxy({ ...options, serverUrl, clientAuthentication }));
      },
    });
    return { isPassed, result, outcomes };
  }

  const passing = ({ scenario, checks, outcome }: Case): unknown => ({
    isPassed: true,
    result: { scenario: `auth/${scenario}`, passed: checks, failed: 0, warnings: 0, remarks: [] },
    outcomes: [outcome],
  });

  it.each(cases)('$scenario: an OpenID provider on Express', async (scenario) => {
    const played = await play(scenario, { upstream: oidcUpstream, platform: 'express' });
    expect(played).toEqual(passing(scenario));
  });

  // Endpoints that are configured are not discovered: there is no metadata to be deceived by.
  it.each(cases.filter(({ scenario }) => scenario !== 'metadata-issuer-mismatch'))(
    '$scenario: an OAuth 2 server on Fastify',
    async (scenario) => {
      const sendsIss = scenario.scenario !== 'iss-not-advertised';
      const played = await play(scenario, {
        upstream: oauth2Upstream({ sendsIss }),
        platform: 'fastify',
      });
      expect(played).toEqual(passing(scenario));
    },
  );

  it('notices an upstream whose issuer is not compared', async () => {
    const { isPassed, result, outcomes } = await play(
      { scenario: 'iss-wrong-issuer' },
      { upstream: oauth2Upstream({ sendsIss: false }), platform: 'express' },
    );
    expect(outcomes).toEqual([loggedIn]);
    expect(isPassed).toBe(false);
    expect(result?.remarks.join()).toContain('FAILURE sep-2468-client-compare-iss-supported');
  });

  it('notices the wrong way of client authentication', async () => {
    const { isPassed, result } = await play(
      { scenario: 'token-endpoint-auth-basic', clientAuthentication: 'client_secret_post' },
      { upstream: oidcUpstream, platform: 'express' },
    );
    expect(isPassed).toBe(false);
    expect(result?.remarks.join()).toContain('FAILURE token-endpoint-auth-method');
  });

  it('rejects when the login cannot be carried out', async () => {
    const broken = runClientScenario({
      scenario: 'auth/iss-supported',
      client: () => Promise.reject(new Error('no such button')),
    });
    await expect(broken).rejects.toMatchObject({ cause: new Error('no such button') });
  });
});
