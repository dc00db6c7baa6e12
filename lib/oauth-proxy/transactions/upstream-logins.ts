import { codeChallengeOf } from '../../crypto/pkce.js';
import { randomToken } from '../../crypto/random.js';
import type { EndpointRequest, ResponseCookie } from '../../http/endpoint.js';
import type { RecordCollection } from '../../storage/record-collection.js';
import type { Upstream } from '../upstream/upstream.js';
import type { BrowserBinding } from './browser-binding.js';
import type { BegunLogin, Consent, UpstreamLogin } from './transaction.js';

export interface UpstreamLoginsDependencies {
  readonly logins: RecordCollection<UpstreamLogin>;
  readonly browsers: BrowserBinding;
  readonly upstream: Upstream;
  readonly callbackUrl: string;
}

/** A login that was sent to the upstream. */
export interface SentLogin {
  /** The upstream `state`. */
  readonly state: string;
  readonly location: string;
  /** What the browser has to bring to the callback. */
  readonly cookie: ResponseCookie;
}

/** Sends logins to the upstream. */
export class UpstreamLogins {
  constructor(private readonly its: UpstreamLoginsDependencies) {}

  /** The login is forgotten after so many seconds. */
  async begin(
    request: EndpointRequest,
    { request: asked, client }: BegunLogin,
    consent: Consent,
    seconds: number,
  ): Promise<SentLogin> {
    const cookie = this.its.browsers.cookie(request, 'approved');
    // Made only now: nobody can know the upstream state before the user agreed.
    const state = randomToken();
    const login: UpstreamLogin = {
      request: asked,
      ...(client && { client }),
      consent,
      approvedBrowser: this.its.browsers.fingerprint(cookie),
      codeVerifier: randomToken(),
      nonce: randomToken(),
    };
    const location = await this.its.upstream.authorizationUrl({
      state,
      nonce: login.nonce,
      codeChallenge: codeChallengeOf(login.codeVerifier),
      redirectUri: this.its.callbackUrl,
      scopes: asked.scopes,
      resource: asked.resource,
    });
    await this.its.logins.set(state, login, seconds);
    return { state, location, cookie };
  }

  /** Undoes what was begun. */
  async abandon(state: string): Promise<void> {
    await this.its.logins.delete(state);
  }
}
