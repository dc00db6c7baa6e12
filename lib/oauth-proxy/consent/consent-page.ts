import type { Awaitable } from '../../common/awaitable.js';
import { describeError } from '../../common/errors.js';
import type { MultiAuthEvents } from '../../common/events.js';
import { late, within } from '../../common/within.js';
import type { EndpointRequest, EndpointResponse } from '../../http/endpoint.js';
import type { ProxyPages } from '../pages/proxy-pages.js';
import { consentBody, shortName } from './consent-body.js';
import {
  type ConsentQuestion,
  type ConsentView,
  type ConsentViewOptions,
  consentView,
} from './consent-view.js';

const renderSeconds = 5;

/** Renders a consent page of the operator's own: a whole HTML document, within five seconds. */
export type ConsentPageRenderer = (view: ConsentView) => Awaitable<string>;

export interface ConsentPageDependencies {
  readonly pages: ProxyPages;
  readonly view: ConsentViewOptions;
  readonly renderer: ConsentPageRenderer | undefined;
  readonly events: MultiAuthEvents;
}

/** The page on which a user agrees to, or refuses, what an application asks for. */
export class ConsentPage {
  constructor(private readonly its: ConsentPageDependencies) {}

  async render(request: EndpointRequest, question: ConsentQuestion): Promise<EndpointResponse> {
    const { pages } = this.its;
    const messages = pages.messagesFor(request);
    const view = consentView(question, messages, this.its.view);
    const own = await this.#own(view);
    if (own !== undefined) return pages.foreignPage(own);
    const client = shortName(view, messages);
    const title = messages.text('consentTitle', { client, server: view.server.name });
    return pages.page(messages, title, consentBody(view, messages));
  }

  /** What the operator's renderer made; undefined when the built-in page has to do. */
  async #own(view: ConsentView): Promise<string | undefined> {
    if (!this.its.renderer) return undefined;
    try {
      const page: unknown = await within(Promise.resolve(this.its.renderer(view)), renderSeconds);
      if (typeof page === 'string' && page !== '') return page;
      this.#failed(page === late ? 'it took too long' : 'it made no text');
    } catch (error) {
      this.#failed(describeError(error));
    }
    return undefined;
  }

  #failed(reason: string): void {
    this.its.events.emit('endpoint.failed', { endpoint: 'consentPage', reason });
  }
}
