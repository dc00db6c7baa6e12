import { describe, expect, it } from '@jest/globals';
import { OutboundError } from './outbound-error.js';
import { isPublicAddress } from './public-address.js';
import { hostOf, publicUrl } from './public-url.js';

const rules = { allowedPorts: [443], isPublicAddress };

function refusalOf(url: string, allowedPorts = [443]): string {
  try {
    publicUrl(url, { allowedPorts, isPublicAddress });
  } catch (error) {
    expect(error).toBeInstanceOf(OutboundError);
    expect(error).toMatchObject({ problem: 'address' });
    return (error as OutboundError).message;
  }
  throw new Error('it was not refused');
}

const NOT_PUBLIC = /is not a host of the public Internet\.$/;

describe('publicUrl', () => {
  it.each([
    ['https://good.test/c.json?a=b', 'https://good.test/c.json?a=b'],
    ['HTTPS://Good.Test', 'https://good.test/'],
    ['https://good.test:443/c', 'https://good.test/c'],
    ['https://a_b.xn--bcher-kva.example/', 'https://a_b.xn--bcher-kva.example/'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
    ['https://local.example/', 'https://local.example/'],
    ['https://a.local.example/', 'https://a.local.example/'],
    ['https://mylocal.notlocal/', 'https://mylocal.notlocal/'],
    ['https://8.8.8.8/c', 'https://8.8.8.8/c'],
    ['https://[2606:4700::1111]/c', 'https://[2606:4700::1111]/c'],
    [`https://${'a'.repeat(63)}.test/`, `https://${'a'.repeat(63)}.test/`],
  ])('lets %s pass', (url, href) => {
    expect(publicUrl(url, rules).href).toBe(href);
  });

  it.each([
    'http://good.test/',
    'HTTP://good.test/',
    'ftp://good.test/',
    'file:///etc/passwd',
    'data:application/json,{}',
    'wss://good.test/',
    'javascript:1',
  ])('lets nothing but https pass: %s — CI-01', (url) => {
    expect(refusalOf(url)).toMatch(/is not served over https\.$/);
  });

  it.each(['', '//good.test/', '/c.json', 'good.test', 'https://', 'https://a b/', 'https://[::1'])(
    'refuses what is no absolute URL: %j — CI-01',
    (url) => {
      expect(refusalOf(url)).toBe('The URL is not absolute.');
    },
  );

  it.each(['https://user@good.test/', 'https://:secret@good.test/', 'https://a:secret@good.test/'])(
    'refuses credentials and keeps them to itself: %s',
    (url) => {
      expect(refusalOf(url)).toBe('The URL of https://good.test holds credentials.');
    },
  );

  it('keeps to the allowed ports — CI-25', () => {
    for (const port of [0, 22, 80, 6379, 8443]) {
      expect(refusalOf(`https://good.test:${port}/`)).toBe(
        `The port of https://good.test:${port} is not allowed.`,
      );
    }
    expect(publicUrl('https://good.test:8443/', { ...rules, allowedPorts: [8443] }).port).toBe(
      '8443',
    );
    expect(refusalOf('https://good.test/', [8443])).toMatch(/is not allowed\.$/);
  });

  it.each([
    'localhost',
    'LOCALHOST',
    'x.localhost',
    'printer.local',
    'metadata.google.internal',
    'router.home.arpa',
    'intranet',
    'kubernetes',
    'good.test.',
    'localhost.',
    'a..test',
    '.good.test',
    'ⓛocalhost',
    `${'a'.repeat(64)}.test`,
    `good.${'a'.repeat(64)}`,
    `${'a.'.repeat(126)}ab`,
    'a*b.test',
    "a'b.test",
  ])('refuses the name %s — CI-08', (host) => {
    expect(refusalOf(`https://${host}/`)).toMatch(NOT_PUBLIC);
  });

  it('takes the longest name there may be', () => {
    expect(publicUrl(`https://${'a.'.repeat(126)}a/`, rules).hostname).toHaveLength(253);
  });

  it.each([
    '127.0.0.1',
    '[::1]',
    '10.0.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '[fc00::1]',
    '[fe80::1]',
    '[ff02::1]',
    '[::]',
    '[2001:db8::1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::10.0.0.1]',
  ])('refuses the address %s — CI-05', (host) => {
    expect(refusalOf(`https://${host}/c`)).toMatch(NOT_PUBLIC);
  });

  it.each([
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '017700000001',
    '0177.0.0.1',
    '127.1',
    '127.0.1',
    '0',
    '①②⑦.⓪.⓪.①',
    '１２７.0.0.1',
    '127。0。0。1',
    '%31%32%37.0.0.1',
    '127.0.0.1.',
  ])('refuses the spelling %s of an address — CI-06', (host) => {
    expect(refusalOf(`https://${host}/c`)).toMatch(NOT_PUBLIC);
  });
});

describe('hostOf', () => {
  it.each([
    ['https://good.test:1/', 'good.test'],
    ['https://[2606::1]:1/', '2606::1'],
    ['https://8.8.8.8/', '8.8.8.8'],
  ])('takes the host of %s', (url, host) => {
    expect(hostOf(new URL(url))).toBe(host);
  });
});
