import type { OutboundClient } from '../http/outbound.js';
import { memberOf } from './vendor-answer.js';

/** What a method of Slack's Web API answers: `ok` tells success, whatever the status. */
export interface SlackAnswer {
  readonly status: number;
  readonly ok: unknown;
  readonly error: unknown;
  readonly sub: unknown;
}

const over = ['account_inactive', 'invalid_auth', 'token_expired', 'token_revoked'];

/** Where a method is. */
export function slackUrl(method: string): string {
  return `https://slack.com/api/${method}`;
}

/** Calls a method with a token. @throws {Error} when there is no answer, or one that is not JSON. */
export async function slackAnswer(
  outbound: OutboundClient,
  method: string,
  accessToken: string,
): Promise<SlackAnswer> {
  const response = await outbound.fetch(slackUrl(method), {
    method: 'POST',
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${accessToken}`,
      'user-agent': 'nestjs-mcp-multi-auth',
    },
  });
  const body: unknown = JSON.parse(await response.text());
  const [ok, error, sub] = ['ok', 'error', 'sub'].map((name) => memberOf(body, name));
  return { status: response.status, ok, error, sub };
}

/** Whether the answer says that the token is good no more; any other failure is about the call. */
export function isSlackTokenOver({ ok, error }: SlackAnswer): boolean {
  return ok === false && over.includes(String(error));
}
