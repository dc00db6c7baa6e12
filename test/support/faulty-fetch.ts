/**
 * What goes wrong with one call: nothing is asked, or nothing is heard, or the answer is another one; a
 * replay is what the first such request was answered.
 */
export type UpstreamFault =
  | { readonly kind: 'refused' | 'hangs' | 'loses the answer' | 'replays' }
  | { readonly kind: 'answers'; readonly answer: (url: URL) => Response };

export interface ArmedFault {
  /** The path that was asked. */
  readonly struck: string | undefined;
  end(): void;
}

/** The way to the upstream, on which any one call goes wrong. Others go on to the real one. */
export class FaultyFetch {
  #order: { left: number; fault: UpstreamFault; struck: string | undefined } | undefined;
  readonly #answers = new Map<string, Response>();

  /** The nth call from now on goes wrong. */
  arm(nth: number, fault: UpstreamFault): ArmedFault {
    const order = { left: nth, fault, struck: undefined as string | undefined };
    this.#order = order;
    return {
      get struck() {
        return order.struck;
      },
      end: () => (this.#order = undefined),
    };
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const order = this.#order;
    const url = new URL(input instanceof Request ? input.url : input);
    const kind = `${url.pathname} ${new URLSearchParams(bodyOf(init)).get('grant_type')}`;
    if (!order || --order.left > 0) {
      const answer = await fetch(input, init);
      if (!this.#answers.has(kind)) this.#answers.set(kind, answer.clone());
      return answer;
    }
    this.#order = undefined;
    const { fault } = order;
    order.struck = url.pathname;
    switch (fault.kind) {
      case 'refused':
        throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
      case 'hangs':
        return new Promise(() => {});
      case 'loses the answer':
        await (await fetch(input, init)).arrayBuffer();
        throw new TypeError('terminated', { cause: new Error('other side closed') });
      case 'replays':
        return this.#answers.get(kind)?.clone() ?? Response.error();
      case 'answers':
        return fault.answer(url);
    }
  };
}

/** Forms are sent as `URLSearchParams`, or as their text. */
function bodyOf({ body }: RequestInit = {}): string {
  if (body instanceof URLSearchParams) return body.toString();
  return typeof body === 'string' ? body : '';
}
