/** Where the browser is. */
export interface Page {
  readonly url: URL;
  /** 0 at the redirect URI of the client, where the browser stops. */
  readonly status: number;
  readonly html: string;
}

interface Submission {
  readonly method?: 'POST';
  readonly body?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As much of a web browser as a login needs: cookies, redirects, and one form a page. */
export class DemoBrowser {
  readonly #redirectUri: string;
  readonly #cookies = new Map<string, Map<string, string>>();

  constructor(redirectUri: string) {
    this.#redirectUri = redirectUri;
  }

  open(url: URL): Promise<Page> {
    return this.#follow(url, {});
  }

  /** Submits the form of the page with its hidden fields and the button that is pressed. */
  submit(page: Page, button: Record<string, string>): Promise<Page> {
    const form = new URLSearchParams(button);
    for (const [, name = '', value = ''] of page.html.matchAll(
      /<input type="hidden" name="([^"]*)" value="([^"]*)"/g,
    )) {
      form.set(name, value);
    }
    return this.#follow(page.url, {
      method: 'POST',
      body: form,
      headers: { origin: page.url.origin },
    });
  }

  async #follow(url: URL, init: Submission): Promise<Page> {
    if (url.origin + url.pathname === this.#redirectUri) return { url, status: 0, html: '' };
    const jar = this.#jarOf(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...init.headers, ...(cookie && { cookie }) },
    });
    for (const line of response.headers.getSetCookie()) keepCookie(jar, line);
    const location = response.headers.get('location');
    if (location !== null) return this.#follow(new URL(location, url), {});
    return { url, status: response.status, html: await response.text() };
  }

  #jarOf({ hostname }: URL): Map<string, string> {
    const jar = this.#cookies.get(hostname) ?? new Map<string, string>();
    this.#cookies.set(hostname, jar);
    return jar;
  }
}

function keepCookie(jar: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (value === '') jar.delete(name);
  else jar.set(name, value);
}
