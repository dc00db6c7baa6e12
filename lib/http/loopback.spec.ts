import { describe, expect, it } from '@jest/globals';
import { isLoopbackHost } from './loopback.js';

describe('isLoopbackHost', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'app.localhost',
    'a.b.localhost',
    'app.localhost.',
    '127.0.0.1',
    '127.255.255.255',
    '127.1.2.3',
    '[::1]',
    '::1',
  ])('takes %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each([
    '',
    '.',
    'localhost.evil.com',
    'evillocalhost',
    '.localhost',
    'a..localhost',
    'localhost..',
    'a@localhost',
    'a/localhost',
    '127.0.0.1.nip.io',
    '127.0.0.1.',
    '127.0.0',
    '127.1',
    '127.0.0.256',
    '127.0.0.01',
    '127.0.0.1 ',
    '0127.0.0.1',
    '128.0.0.1',
    '0.0.0.0',
    '10.0.0.1',
    '2130706433',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::1]x',
  ])('refuses %j', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});
