import { FormMac } from '../crypto/form-mac.js';
import { ConsentDecisions } from './consent/consent-decisions.js';
import { ConsentForm } from './consent/consent-form.js';
import { ConsentPage } from './consent/consent-page.js';
import type { ConsentStage } from './consent/consent-stage.js';
import { RememberedConsents } from './consent/remembered-consents.js';
import { AuthorizeEndpoint, type LoginGate } from './endpoints/authorize.endpoint.js';
import { ConsentDecisionEndpoint, ConsentPageEndpoint } from './endpoints/consent.endpoint.js';
import { LocalErrors } from './endpoints/local-error.js';
import { ProxyPages } from './pages/proxy-pages.js';
import type { LoginEndpoints, SharedParts } from './server-parts.js';
import { BrowserBinding } from './transactions/browser-binding.js';
import { ClientRedirect } from './transactions/client-redirect.js';
import { LoginTransactions } from './transactions/login-transactions.js';

/** What a login is made of, however users log in. */
export function loginPieces(parts: SharedParts) {
  const { options, host, records, clients, codes, scopes } = parts;
  const { baseUrl, events, resources } = host;
  const pages = new ProxyPages(options);
  return {
    ...records,
    ...browserPieces(parts, `${baseUrl}/consent`),
    options,
    pages,
    errors: new LocalErrors(pages),
    redirects: new ClientRedirect(parts.issuer),
    authorizeUrl: `${baseUrl}/authorize`,
    origin: new URL(baseUrl).origin,
    clients,
    codes,
    limit: parts.limits.authorizations,
    scopes,
    resources,
    events,
  };
}

/** What ties a login to its browser, and what is remembered of both. */
function browserPieces({ host, records, lifetimes }: SharedParts, consentUrl: string) {
  const { clock, baseUrl } = host;
  const browsers = new BrowserBinding(baseUrl, lifetimes);
  const { transaction: transactionSeconds, rememberedConsent: lifetimeSeconds } = lifetimes;
  const now = (): number => clock.now();
  const common = { ...records, browsers, consentUrl, transactionSeconds, now };
  return {
    browsers,
    consentUrl,
    transactionSeconds,
    now,
    remembered: new RememberedConsents({ ...common, clock, lifetimeSeconds }),
    loginTransactions: new LoginTransactions(common),
  };
}

export type LoginPieces = ReturnType<typeof loginPieces>;

/** The endpoints of every login; what follows them differs. */
export function loginEndpoints(
  parts: SharedParts,
  pieces: LoginPieces,
  { gate, stage }: { readonly gate: LoginGate; readonly stage: ConsentStage },
): LoginEndpoints {
  const consent = {
    ...pieces,
    stage,
    decisions: new ConsentDecisions({ ...pieces, stage }),
    form: new ConsentForm(new FormMac(parts.ring)),
    page: consentPage(parts, pieces.pages),
  };
  return {
    authorize: new AuthorizeEndpoint({ ...pieces, gate }),
    consentPage: new ConsentPageEndpoint(consent),
    consentDecision: new ConsentDecisionEndpoint(consent),
    faultPage: pieces.pages.fault.bind(pieces.pages),
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
