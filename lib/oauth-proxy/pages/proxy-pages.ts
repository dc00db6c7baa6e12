import { readAcceptLanguage } from '../../http/accept-language.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { Fault } from '../../http/fault.js';
import type { SafeHtml } from '../../http/html.js';
import { errorPage, renderPage } from '../../http/page.js';
import { PAGE_HEADERS } from '../../http/security-headers.js';
import { pagePolicy } from './content-security-policy.js';
import { MessageCatalogue, type Messages, type MessageTranslations } from './message-catalogue.js';

/** A text of the catalogue that has a title, a message and a hint. */
export type ErrorName =
  | 'unknownClient'
  | 'wrongRedirectUri'
  | 'expiredLogin'
  | 'foreignBrowser'
  | 'badForm'
  | 'badRequest'
  | 'tooManyRequests'
  | 'unavailable'
  | 'serverError';

/** What the operator decides on all pages. */
export interface ProxyPagesOptions {
  readonly messages?: MessageTranslations | undefined;
  readonly contentSecurityPolicy?: string | undefined;
  readonly icon?: string | undefined;
}

/** The pages of the proxy: in the language of who looks at them, under one policy. */
export class ProxyPages {
  readonly #catalogue: MessageCatalogue;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: ProxyPagesOptions) {
    this.#catalogue = new MessageCatalogue(options.messages ?? {});
    this.#headers = {
      ...PAGE_HEADERS,
      'content-security-policy': pagePolicy(options.contentSecurityPolicy, options.icon),
      vary: 'Accept-Language',
    };
  }

  messagesFor(request: EndpointRequest): Messages {
    const header = request.headers['accept-language'] ?? '';
    const text = typeof header === 'string' ? header : header.join(',');
    return this.#catalogue.for(readAcceptLanguage(text));
  }

  /** A page in the shell that all of them share. */
  page({ language, direction }: Messages, title: string, body: SafeHtml): EndpointResponse {
    return this.foreignPage(renderPage({ title, language, direction, body }).html);
  }

  /** A page that somebody else made, under our headers. */
  foreignPage(html: string): EndpointResponse {
    return { kind: 'page', status: 200, headers: this.#headers, html };
  }

  error(
    request: EndpointRequest,
    name: ErrorName,
    answer: { status: number; headers?: Readonly<Record<string, string>>; detail?: string },
  ): EndpointResponse {
    const messages = this.messagesFor(request);
    return errorPage({
      ...answer,
      title: messages.text(`${name}Title`),
      message: messages.text(`${name}Message`),
      hint: messages.text(`${name}Hint`),
      language: messages.language,
      direction: messages.direction,
      headers: { ...this.#headers, ...answer.headers },
    });
  }

  /** What a person sees of a fault that no endpoint foresaw. */
  fault({ status, headers, description }: Fault, request: EndpointRequest): EndpointResponse {
    if (status === 429) return this.error(request, 'tooManyRequests', { status, headers });
    if (status === 503) return this.error(request, 'unavailable', { status, headers });
    if (status >= 500) return this.error(request, 'serverError', { status, headers });
    return this.error(request, 'badRequest', { status, headers, detail: description });
  }
}
