import { FormMac } from '../crypto/form-mac.js';
import { ConsentDecisions } from './consent/consent-decisions.js';
import { ConsentGate } from './consent/consent-gate.js';
import { ConsentMemory } from './consent/consent-memory.js';
import { ConsentPage } from './consent/consent-page.js';
import { RememberedConsents } from './consent/remembered-consents.js';
import { AuthorizeEndpoint } from './endpoints/authorize.endpoint.js';
import { CallbackEndpoint } from './endpoints/callback.endpoint.js';
import { ConsentDecisionEndpoint, ConsentPageEndpoint } from './endpoints/consent.endpoint.js';
import { LocalErrors } from './endpoints/local-error.js';
import { ProxyPages } from './pages/proxy-pages.js';
import type { SharedParts } from './server-parts.js';
import { BrowserBinding } from './transactions/browser-binding.js';
import { ClientRedirect } from './transactions/client-redirect.js';
import { LoginTransactions } from './transactions/login-transactions.js';
import { UpstreamLogins } from './transactions/upstream-logins.js';

/** The endpoints a person's browser passes on the way to an authorization code. */
export function loginEndpoints(parts: SharedParts) {
  const pages = new ProxyPages(parts.options);
  const common = loginParts(parts);
  const errors = new LocalErrors(pages);
  const gate = new ConsentGate(common);
  const consent = {
    ...common,
    errors,
    decisions: new ConsentDecisions(common),
    mac: new FormMac(parts.ring),
    page: consentPage(parts, pages),
  };
  return {
    authorize: new AuthorizeEndpoint({ ...common, errors, gate }),
    consentPage: new ConsentPageEndpoint(consent),
    consentDecision: new ConsentDecisionEndpoint(consent),
    callback: new CallbackEndpoint({ ...common, errors }),
    faultPage: pages.fault.bind(pages),
  };
}

function loginParts(parts: SharedParts) {
  const { options, host, records, callbackUrl, lifetimes } = parts;
  const { clock, baseUrl } = host;
  const browsers = new BrowserBinding(baseUrl, lifetimes);
  const remembered = new RememberedConsents({
    ...records,
    clock,
    lifetimeSeconds: lifetimes.rememberedConsent,
  });
  const common = {
    ...records,
    options,
    browsers,
    remembered,
    memory: options.consent === 'remember' ? new ConsentMemory(browsers, remembered) : undefined,
    redirects: new ClientRedirect(parts.issuer),
    upstream: options.upstream,
    callbackUrl,
    authorizeUrl: `${baseUrl}/authorize`,
    consentUrl: `${baseUrl}/consent`,
    origin: new URL(baseUrl).origin,
    clients: parts.clients,
    codes: parts.codes,
    revocations: parts.revocations,
    limit: parts.limits.authorizations,
    scopes: parts.scopes,
    resources: host.resources,
    events: host.events,
    transactionSeconds: lifetimes.transaction,
    now: () => clock.now(),
  };
  return {
    ...common,
    loginTransactions: new LoginTransactions(common),
    upstreamLogins: new UpstreamLogins(common),
  };
}

function consentPage({ options, host }: SharedParts, pages: ProxyPages): ConsentPage {
  const view = {
    serverName: options.serverName ?? new URL(host.baseUrl).host,
    scopeDescriptions: options.scopeDescriptions ?? {},
    icon: options.icon,
    resources: host.resources,
  };
  return new ConsentPage({ pages, view, renderer: options.consentPage, events: host.events });
}
