import type { EndpointResponse } from './endpoint.js';
import type { SafeHtml } from './html.js';
import { escapeHtml, html } from './html.js';
import { PAGE_STYLE } from './page-style.js';
import { PAGE_HEADERS } from './security-headers.js';

/** What a page shows; `body` may use the classes of the stylesheet. */
export interface Page {
  readonly title: string;
  /** The language of the text (BCP 47), such as `en`. */
  readonly language: string;
  /** @default ltr */
  readonly direction?: 'ltr' | 'rtl';
  /** What stands inside the page's `main.card`; brings its own `h1`. */
  readonly body: SafeHtml;
}

export interface RenderedPage {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Renders the shell that all pages share: one card, one stylesheet, no script. */
export function renderPage(page: Page): RenderedPage {
  const text = `<!doctype html>
<html lang="${escapeHtml(page.language)}" dir="${page.direction ?? 'ltr'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(page.title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main class="card">
${page.body.toString()}
</main>
</body>
</html>
`;
  return { html: text, headers: PAGE_HEADERS };
}

export interface ErrorPage {
  readonly status: number;
  readonly title: string;
  /** What went wrong, in words for a person. */
  readonly message: string;
  /** What the person can do about it. */
  readonly hint?: string | undefined;
  /** What a developer may want to know, in English. */
  readonly detail?: string | undefined;
  /** @default en */
  readonly language?: string;
  /** @default ltr */
  readonly direction?: 'ltr' | 'rtl';
  readonly headers?: Readonly<Record<string, string>>;
}

/** A page that tells a person why a request cannot go on. */
export function errorPage(error: ErrorPage): EndpointResponse {
  const page = renderPage({
    title: error.title,
    language: error.language ?? 'en',
    direction: error.direction ?? 'ltr',
    body: html`<h1>${error.title}</h1>
      <p>${error.message}</p>
      ${error.hint === undefined ? undefined : html`<p class="muted">${error.hint}</p>`}
      ${error.detail === undefined ? undefined : html`<p class="muted" lang="en" dir="ltr"><code>${error.detail}</code></p>`}`,
  });
  return {
    kind: 'page',
    status: error.status,
    html: page.html,
    headers: { ...page.headers, ...error.headers },
  };
}
