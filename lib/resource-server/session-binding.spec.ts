import { beforeEach, describe, expect, it } from '@jest/globals';

import { Clock } from '../common/clock.js';
import { MultiAuthEvents } from '../common/events.js';
import type { AccessToken } from '../verifiers/access-token.js';
import { SessionBinding } from './session-binding.js';

class HandClock extends Clock {
  seconds = 1_000_000;

  now(): number {
    return this.seconds;
  }
}

const RS = 'https://rs.test/mcp';

const token = (
  subject: string | undefined,
  clientId = 'c',
  issuer = 'https://as',
): AccessToken => ({
  token: 't',
  clientId,
  subject,
  issuer,
  scopes: [],
  claims: {},
  source: 'fake',
});

const alice = token('alice');
const bob = token('bob');

describe('SessionBinding', () => {
  let clock: HandClock;
  let events: MultiAuthEvents;
  beforeEach(() => {
    clock = new HandClock();
    events = new MultiAuthEvents();
  });
  const binding = (limits = {}) => new SessionBinding({ clock, events, ...limits });

  it('admits the principal that used a session first, and nobody else (AT-41)', () => {
    const sessions = binding();
    const foreign: unknown[] = [];
    events.on('session.foreign', (event) => foreign.push(event));
    expect(use(sessions, 's', alice, RS)).toBe(true);
    expect(use(sessions, 's', bob, RS)).toBe(false);
    expect(use(sessions, 's', alice, RS)).toBe(true);
    expect(foreign).toEqual([{ source: 'fake', clientId: 'c', subject: 'bob' }]);
  });

  it.each([
    ['client', token('alice', 'other')],
    ['issuer', token('alice', 'c', 'https://other')],
    ['lack of a subject', token(undefined)],
  ])('tells principals apart by their %s (AT-41)', (_what, other) => {
    const sessions = binding();
    use(sessions, 's', alice, RS);
    expect(use(sessions, 's', other, RS)).toBe(false);
  });

  it('keeps the sessions of resources apart', () => {
    const sessions = binding();
    use(sessions, 's', alice, RS);
    expect(use(sessions, 's', bob, 'https://rs.test/other')).toBe(true);
  });

  it('forgets a session that was not used for a day, and keeps one that was', () => {
    const sessions = binding();
    use(sessions, 'idle', alice, RS);
    use(sessions, 'used', alice, RS);
    clock.seconds += 86_399;
    use(sessions, 'used', alice, RS);
    clock.seconds += 1;
    expect(use(sessions, 'idle', bob, RS)).toBe(true);
    expect(use(sessions, 'used', bob, RS)).toBe(false);
  });

  it('forgets the least recently used session when full', () => {
    const sessions = binding({ maxSessions: 2 });
    use(sessions, 'a', alice, RS);
    use(sessions, 'b', alice, RS);
    clock.seconds += 60;
    use(sessions, 'a', alice, RS);
    use(sessions, 'c', alice, RS);
    expect(use(sessions, 'a', bob, RS)).toBe(false);
    expect(use(sessions, 'b', bob, RS)).toBe(true);
  });

  it('lets nobody push out the sessions of others, whatever clients he registers', () => {
    const sessions = binding({ maxSessions: 10, maxSessionsPerUser: 3 });
    use(sessions, 'hers', alice, RS);
    for (let i = 0; i < 50; i++) use(sessions, `x${i}`, token('bob', `c${i}`), RS);
    expect(use(sessions, 'hers', bob, RS)).toBe(false);
    expect(use(sessions, 'x0', alice, RS)).toBe(true);
  });

  it('tells principals of sources without an issuer apart by their source (AT-41)', () => {
    const sessions = binding();
    const { issuer: _, ...anonymous } = alice;
    use(sessions, 's', { ...anonymous, source: 'one' }, RS);
    expect(use(sessions, 's', { ...anonymous, source: 'other' }, RS)).toBe(false);
  });

  it('binds no session that the server does not know', () => {
    const sessions = binding();
    const response = { writeHead: () => undefined, getHeader: () => undefined };
    sessions.watch(response, bob, RS, 'made-up');
    (response.writeHead as (status: number) => unknown)(404);
    expect(sessions.ownerOf('made-up', alice, RS)).toBe('unknown');
  });

  it('knows no session with an id over 2048 characters', () => {
    expect(use(binding(), 's'.repeat(2049), alice, RS)).toBe(false);
    expect(use(binding(), 's'.repeat(2048), alice, RS)).toBe(true);
  });

  it.each<[string, unknown[]]>([
    ['an object', [200, { 'Mcp-Session-Id': 's' }]],
    ['an object after a message', [200, 'OK', { 'mcp-session-id': 's' }]],
    ['a flat list', [200, ['Content-Type', 'text/plain', 'mcp-session-id', 's']]],
    ['a list of pairs', [200, [['mcp-session-id', 's']]]],
  ])('binds the session a response opens with headers as %s', (_what, args) => {
    const sessions = binding();
    const written: unknown[][] = [];
    const response = {
      getHeader: () => undefined,
      writeHead: (...given: unknown[]) => written.push(given),
    };
    sessions.watch(response, alice, RS);
    response.writeHead(...args);
    expect(written).toEqual([args]);
    expect(use(sessions, 's', bob, RS)).toBe(false);
    expect(use(sessions, 's', alice, RS)).toBe(true);
  });

  it('binds a session whose header was set before, and nothing without one', () => {
    const sessions = binding();
    const headers: Record<string, string> = {};
    const response = { getHeader: (name: string) => headers[name], writeHead: () => undefined };
    sessions.watch(response, alice, RS);
    headers['mcp-session-id'] = 's';
    (response as { writeHead: (...args: unknown[]) => unknown }).writeHead(200);
    expect(use(sessions, 's', bob, RS)).toBe(false);
    expect(use(sessions, 'undefined', bob, RS)).toBe(true);
  });
});

/** A request that names the session, and a server that knows it; tells whether it was let in. */
function use(sessions: SessionBinding, id: string, token: AccessToken, resource: string): boolean {
  const owner = sessions.ownerOf(id, token, resource);
  if (owner !== 'unknown') return owner === 'this';
  const response = { writeHead: () => undefined, getHeader: () => undefined };
  sessions.watch(response, token, resource, id);
  (response.writeHead as (status: number) => unknown)(200);
  return true;
}
