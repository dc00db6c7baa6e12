/** Where the browser is; `status` is 0 at the redirect URI of the client, where it stops. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
}

/** As much of a web browser as a login needs: cookies of one site, redirects, and one form a page. */
export class DemoBrowser {
  readonly #cookies = new Map<string, string>();

  constructor(private readonly redirectUri: string) {}

  open(url: URL): Promise<Page> {
    return this.#follow(url, {});
  }

  /** Submits the form of the page, with its hidden fields and what is typed or pressed. */
  submit({ url, html }: Page, fields: Record<string, string>): Promise<Page> {
    const action = /<form[^>]* action="([^"]*)"/.exec(html)?.[1] ?? url;
    const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
    const form = hidden.map(([, name = '', value = '']) => [name, value]);
    return this.#follow(new URL(action, url), {
      method: 'POST',
      body: new URLSearchParams([...form, ...Object.entries(fields)] as [string, string][]),
      headers: { origin: url.origin },
    });
  }

  async #follow(url: URL, init: RequestInit): Promise<Page> {
    if (url.href.startsWith(this.redirectUri)) return { url, status: 0, html: '' };
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), cookie };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location !== null) return this.#follow(new URL(location, url), {});
    return { url, status: response.status, html: await response.text() };
  }
}
