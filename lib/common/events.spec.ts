import { describe, expect, it } from '@jest/globals';
import { MultiAuthEvents } from './events.js';

const denied = { clientId: 'client' };

describe('MultiAuthEvents', () => {
  it('survives a listener that rejects', async () => {
    const events = new MultiAuthEvents();
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listen);
    // oxlint-disable-next-line no-misused-promises -- what a careless listener does
    events.on('consent.denied', async () => {
      throw new Error('the audit database is down');
    });
    events.emit('consent.denied', denied);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  it('tells every listener of an event, and none of another one', () => {
    const events = new MultiAuthEvents();
    const heard: string[] = [];
    events.on('consent.denied', ({ clientId }) => heard.push(`first ${clientId}`));
    events.on('consent.denied', ({ clientId }) => heard.push(`second ${clientId}`));
    events.on('consent.given', () => heard.push('given'));
    events.emit('consent.denied', denied);
    expect(heard).toEqual(['first client', 'second client']);
  });

  it('forgets a listener that was removed, and no other', () => {
    const events = new MultiAuthEvents();
    const heard: string[] = [];
    const remove = events.on('consent.denied', () => heard.push('removed'));
    events.on('consent.denied', () => heard.push('kept'));
    remove();
    events.emit('consent.denied', denied);
    expect(heard).toEqual(['kept']);
  });

  it('lets a listener that throws disturb nobody', () => {
    const events = new MultiAuthEvents();
    let heard = 0;
    events.on('consent.denied', () => {
      throw new Error('of the observer');
    });
    events.on('consent.denied', () => heard++);
    expect(() => events.emit('consent.denied', denied)).not.toThrow();
    expect(heard).toBe(1);
  });

  it('needs no listener at all', () => {
    expect(() => new MultiAuthEvents().emit('consent.denied', denied)).not.toThrow();
  });
});

describe('MultiAuthEvents.onAny', () => {
  it('hears every event by its name until it is removed, and harms nobody', () => {
    const events = new MultiAuthEvents();
    const heard: unknown[] = [];
    const stopBad = events.onAny(() => {
      throw new Error('the bus is down');
    });
    const stop = events.onAny((name, event) => heard.push([name, event]));
    events.emit('consent.denied', denied);
    events.emit('endpoint.failed', { endpoint: '/token', reason: 'r' });
    expect(heard).toEqual([
      ['consent.denied', denied],
      ['endpoint.failed', { endpoint: '/token', reason: 'r' }],
    ]);
    stop();
    stopBad();
    events.emit('consent.denied', denied);
    expect(heard).toHaveLength(2);
  });
});
