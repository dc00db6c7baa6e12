import { FormMac } from '../crypto/form-mac.js';
import { ConsentDecisions } from './consent/consent-decisions.js';
import { ConsentPage } from './consent/consent-page.js';
import { AuthorizeEndpoint } from './endpoints/authorize.endpoint.js';
import { CallbackEndpoint } from './endpoints/callback.endpoint.js';
import { ConsentDecisionEndpoint, ConsentPageEndpoint } from './endpoints/consent.endpoint.js';
import type { SharedParts } from './server-parts.js';
import { BrowserBinding } from './transactions/browser-binding.js';
import { ClientRedirect } from './transactions/client-redirect.js';

/** The endpoints a person's browser passes on the way to an authorization code. */
export function loginEndpoints(parts: SharedParts) {
  const { options, host, scopes, ring, records, issuer, callbackUrl } = parts;
  const { events, clock, resources, baseUrl } = host;
  const transactionSeconds = parts.lifetimes.transaction;
  const common = {
    clients: parts.clients,
    transactions: records.transactions,
    logins: records.logins,
    decisions: records.decisions,
    browsers: new BrowserBinding(baseUrl, transactionSeconds),
    redirects: new ClientRedirect(issuer),
    upstream: options.upstream,
    revocations: parts.revocations,
    callbackUrl,
    consentUrl: `${baseUrl}/consent`,
    origin: new URL(baseUrl).origin,
    codes: parts.codes,
    now: () => clock.now(),
    events,
    resources,
    scopes,
    transactionSeconds,
  };
  const serverName = options.serverName ?? new URL(baseUrl).host;
  const scopeDescriptions = options.scopeDescriptions ?? {};
  const consent = {
    ...common,
    decisions: new ConsentDecisions(common),
    mac: new FormMac(ring),
    page: new ConsentPage({ serverName, scopeDescriptions }, resources),
  };
  return {
    authorize: new AuthorizeEndpoint(common),
    consentPage: new ConsentPageEndpoint(consent),
    consentDecision: new ConsentDecisionEndpoint(consent),
    callback: new CallbackEndpoint(common),
  };
}
