/** Where the client of the baseline wants its answers. Nothing is served there. */
export const clientRedirect = 'https://app.test/cb';

/** An answer, read to its end. */
export interface Answer {
  readonly url: string;
  readonly method: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

export function jsonOf(answer: Answer): unknown {
  return JSON.parse(answer.text) as unknown;
}
