import type { EndpointRequest } from '../../http/endpoint.js';
import type { BrowserBinding } from '../transactions/browser-binding.js';
import type { Consent } from '../transactions/transaction.js';
import type { UpstreamLogins } from '../transactions/upstream-logins.js';
import type { ConsentMemory } from './consent-memory.js';
import type { Approval, Arrival, ConsentStage, WaitingLogin } from './consent-stage.js';

export interface UpstreamConsentDependencies {
  readonly upstreamLogins: UpstreamLogins;
  readonly browsers: BrowserBinding;
  /** Absent when no consent is remembered. */
  readonly memory: ConsentMemory | undefined;
  now(): number;
}

/** The user agrees first, and logs in at the upstream then. */
export class UpstreamConsent implements ConsentStage {
  constructor(private readonly its: UpstreamConsentDependencies) {}

  async user(): Promise<undefined> {
    return undefined;
  }

  async arrive(request: EndpointRequest, { client, transaction }: WaitingLogin): Promise<Arrival> {
    return { remembers: this.its.memory?.cookie(request, client, transaction) !== undefined };
  }

  async approve(
    request: EndpointRequest,
    { client, transaction }: WaitingLogin,
  ): Promise<Approval> {
    const { upstreamLogins, browsers, memory } = this.its;
    const remembered = memory?.cookie(request, client, transaction);
    const consent: Consent = {
      how: 'page',
      answeredAt: this.its.now(),
      ...(remembered && { memory: browsers.fingerprint(remembered) }),
    };
    const seconds = transaction.expiresAt - this.its.now();
    const sent = await upstreamLogins.begin(request, transaction, consent, seconds);
    return {
      decision: {
        location: sent.location,
        approvedBrowser: sent.cookie.value,
        ...(remembered && { rememberedBrowser: remembered.value }),
      },
      conclude: async () => {},
      undo: () => upstreamLogins.abandon(sent.state),
    };
  }

  async deny(request: EndpointRequest, { transaction }: WaitingLogin): Promise<void> {
    await this.its.memory?.forget(request, transaction.request.clientId);
  }
}
