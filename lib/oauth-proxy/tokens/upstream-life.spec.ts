import { beforeEach, describe, expect, it } from '@jest/globals';
import { UpstreamError } from '../../common/errors.js';
import { MultiAuthEvents } from '../../common/events.js';
import type { Upstream, UpstreamVerdict } from '../upstream/upstream.js';
import type { Grant } from './grant.js';
import type { Grants } from './grants.js';
import { UpstreamLife } from './upstream-life.js';
import type { UpstreamSession } from './upstream-session.js';
import type { UpstreamSessions } from './upstream-sessions.js';

const grant = { clientId: 'client', subject: 'alice' } as Grant;
const known: UpstreamSession = {
  accessToken: 'a',
  refreshToken: 'r',
  generation: 3,
  obtainedAt: 0,
};
const alone = { ...known, refreshToken: undefined };
const refused = new UpstreamError('over', 'refused');
const down = new UpstreamError('down', 'transient');

type Live = () => Promise<UpstreamSession | undefined>;

let live: Live;
let renewed: Live;
let check: (() => UpstreamVerdict | Promise<UpstreamVerdict>) | undefined;
let calls: string[];
let revoked: unknown[];
let failures: unknown[];
let life: UpstreamLife;

beforeEach(() => {
  live = async () => known;
  renewed = async () => ({ ...known, generation: 4 });
  check = () => 'alive';
  [calls, revoked, failures] = [[], [], []];
  const events = new MultiAuthEvents();
  events.on('upstream.failed', (event) => failures.push(event));
  life = new UpstreamLife({
    sessions: {
      live: () => live(),
      renewed: () => {
        calls.push('renewed');
        return renewed();
      },
    } as unknown as UpstreamSessions,
    grants: {
      revoke: async (...args: unknown[]) => void revoked.push(args),
    } as unknown as Grants,
    upstream: {
      get check() {
        return (
          check &&
          ((asked: unknown) => {
            calls.push(JSON.stringify(asked));
            return check?.();
          })
        );
      },
    } as unknown as Upstream,
    events,
  });
});

const goesOn = (session = known): Promise<boolean> => life.goesOn('g', grant, session);
const throwing = (error: Error) => (): never => {
  throw error;
};

describe('a login', () => {
  it('goes on when the upstream says so of its access token and its user', async () => {
    expect(await goesOn()).toBe(true);
    expect(calls).toEqual(['{"accessToken":"a","subject":"alice"}']);
    expect(revoked).toEqual([]);
  });

  it('goes on when it was due and the upstream refreshed it: nothing else is asked', async () => {
    live = async () => ({ ...known, generation: 4 });
    check = throwing(refused);
    expect(await goesOn()).toBe(true);
    expect(calls).toEqual([]);
  });

  it.each<UpstreamVerdict>(['refused', 'unknown'])(
    'goes on when the check says %s and the refresh token is taken',
    async (verdict) => {
      check = async () => verdict;
      expect(await goesOn()).toBe(true);
      expect(calls).toHaveLength(2);
    },
  );

  it('is asked for by its refresh token where an upstream has no check', async () => {
    check = undefined;
    expect(await goesOn()).toBe(true);
    expect(calls).toEqual(['renewed']);
  });

  it('goes on where there is nothing to ask with', async () => {
    live = async () => alone;
    check = undefined;
    expect(await goesOn(alone)).toBe(true);
    expect(calls).toEqual([]);
  });

  it.each<[string, () => void]>([
    ['its refresh token is refused when it is due', () => (live = throwing(refused))],
    [
      'its access token and its refresh token are refused',
      () => {
        check = () => 'refused';
        renewed = throwing(refused);
      },
    ],
    [
      'its access token is refused and there is no other',
      () => {
        live = async () => alone;
        check = () => 'refused';
      },
    ],
    ['it is another user’s', () => (check = throwing(refused))],
  ])('is over, and the grant with it, when %s — RT-16', async (_name, arrange) => {
    arrange();
    expect(await goesOn()).toBe(false);
    expect(revoked).toEqual([['g', 'client', 'upstream_refused']]);
    expect(failures).toMatchObject([{ kind: 'refused' }]);
  });

  it('is over when its session is gone', async () => {
    live = async () => undefined;
    expect(await goesOn()).toBe(false);
  });

  it.each<[string, () => void]>([
    ['the refresh', () => (live = throwing(down))],
    ['the check', () => (check = throwing(down))],
    ['the check of a custom upstream', () => (check = throwing(new Error('down')))],
    [
      'the refresh after the check',
      () => {
        check = () => 'refused';
        renewed = throwing(down);
      },
    ],
  ])('is not over when the upstream cannot answer %s', async (_name, arrange) => {
    arrange();
    await expect(goesOn()).rejects.toMatchObject({ kind: 'transient' });
    expect(revoked).toEqual([]);
    expect(failures).toMatchObject([{ kind: 'transient' }]);
  });
});

describe('the session of a login', () => {
  it('is the live one', async () => {
    expect(await life.session('g', grant)).toBe(known);
  });

  it('is none when the upstream ended it, and the grant ends too', async () => {
    live = throwing(refused);
    expect(await life.session('g', grant)).toBeUndefined();
    expect(revoked).toEqual([['g', 'client', 'upstream_refused']]);
  });

  it('is unknown when the upstream cannot be asked', async () => {
    live = throwing(down);
    await expect(life.session('g', grant)).rejects.toBe(down);
    expect(revoked).toEqual([]);
  });
});
