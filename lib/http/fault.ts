import type { OAuthErrorCode } from './oauth-error.js';

/** What an endpoint answers when it throws. All of it may be shown to anyone. */
export interface Fault {
  readonly status: number;
  readonly error: OAuthErrorCode;
  readonly description: string;
  readonly headers: Readonly<Record<string, string>>;
}
