import { appendParameters } from '../transactions/client-redirect.js';

export interface ReturnUrlsOptions {
  readonly consentUrl: string;
  /** The login page and the parameter by which it learns where to return to. */
  readonly page: string;
  readonly returnParameter?: string | undefined;
}

/** Where a browser is sent to log in, and where it comes back to: nowhere but to the consent page. */
export class ReturnUrls {
  constructor(private readonly its: ReturnUrlsOptions) {}

  /** The login page, told the way back to the login of that id. */
  loginUrl(id: string): string {
    const { consentUrl, page, returnParameter = 'return_to' } = this.its;
    const login = new URL(page, consentUrl);
    const back = new URL(appendParameters(consentUrl, { txn: id }));
    // A page of this origin may well refuse anything but a path.
    const isLocal = login.origin === back.origin;
    const value = isLocal ? back.pathname + back.search : back.href;
    return appendParameters(login.href, { [returnParameter]: value });
  }

  /** The same place made anew, with nothing left of what was given; undefined for any other. */
  accepted(given: unknown): string | undefined {
    const { consentUrl } = this.its;
    if (typeof given !== 'string' || !URL.canParse(given, consentUrl)) return undefined;
    const { origin, pathname, searchParams } = new URL(given, consentUrl);
    const [id, ...others] = searchParams.getAll('txn');
    const isOurs = origin + pathname === consentUrl && others.length === 0;
    return isOurs && id !== undefined && /^[A-Za-z0-9_-]{43}$/.test(id)
      ? appendParameters(consentUrl, { txn: id })
      : undefined;
  }
}
