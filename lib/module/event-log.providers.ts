import { Logger } from '@nestjs/common';
import type { MultiAuthEventName, MultiAuthEvents } from '../common/events.js';

type Level = 'debug' | 'log' | 'warn' | 'error';

// Not the two that come with every request: a log line each would cost more than the guard.
const levels: Record<Exclude<MultiAuthEventName, 'token.accepted' | 'token.rejected'>, Level> = {
  'source.failed': 'warn',
  'scope.insufficient': 'debug',
  'session.foreign': 'warn',
  'client.registered': 'log',
  'client_metadata.refused': 'warn',
  'outbound.blocked': 'warn',
  'client_assertion.refused': 'debug',
  'client_assertion.replayed': 'warn',
  'consent.given': 'log',
  'consent.denied': 'log',
  'consent.skipped': 'log',
  'consent.remembered': 'log',
  'consent.subject_changed': 'log',
  'browser.mismatch': 'warn',
  'upstream.failed': 'warn',
  'upstream.token_unverifiable': 'error',
  'authorization_code.issued': 'debug',
  'authorization_code.redeemed': 'log',
  'authorization_code.replayed': 'warn',
  'refresh_token.rotated': 'debug',
  'refresh_token.reused': 'warn',
  'grant.revoked': 'log',
  'grants.revoked': 'log',
  'keys.reload_failed': 'error',
  'rate_limit.reached': 'warn',
  'client_address.hidden': 'warn',
  'configuration.warning': 'warn',
  'endpoint.failed': 'error',
};

/** Writes every event to the app's log, a line each. */
export function logEvents(events: MultiAuthEvents): void {
  const logger = new Logger('MultiAuth');
  for (const [name, level] of Object.entries(levels) as [MultiAuthEventName, Level][]) {
    events.on(name, (event) => {
      // JSON keeps what clients wrote on one line (CWE-117).
      if (Logger.isLevelEnabled(level)) logger[level](`${name} ${JSON.stringify(event)}`);
    });
  }
}
