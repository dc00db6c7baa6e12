import { describe, expect, it } from '@jest/globals';
import { UpstreamError } from '../../common/errors.js';
import { OutboundClient } from '../../http/outbound.js';
import { Gate } from '../../../test/support/gate.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { OidcDiscovery } from './oidc-discovery.js';

type Document = Readonly<Record<string, unknown>>;

const publicIssuer = 'https://idp.test';

const documentOf = (issuer: string): Document => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  revocation_endpoint: `${issuer}/revoke`,
  userinfo_endpoint: `${issuer}/me`,
});

/** A provider whose document, and manner of giving it, can change. */
class Provider {
  requests: string[] = [];
  document: Document;
  gate: Gate | undefined;
  fails = false;

  constructor(
    readonly issuer: string,
    changes: Document = {},
  ) {
    this.document = { ...documentOf(issuer), ...changes };
  }

  readonly fetch = async (url: unknown): Promise<Response> => {
    this.requests.push(String(url));
    await this.gate?.pass();
    if (this.fails) throw new TypeError('fetch failed');
    return Response.json(this.document);
  };

  discovery(clock = new ManualClock()): OidcDiscovery {
    const outbound = new OutboundClient({ fetch: this.fetch });
    return new OidcDiscovery(this.issuer, outbound, { baseUrl: 'https://as.test/mcp', clock });
  }

  hold(): Gate {
    this.gate = new Gate(() => (this.gate = undefined));
    return this.gate;
  }
}

const outcome = (issuer: string, changes: Document): Promise<unknown> =>
  new Provider(issuer, changes)
    .discovery()
    .metadata()
    .then(
      () => 'usable',
      (error: unknown) => error,
    );

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'revocation_endpoint',
  'userinfo_endpoint',
];

describe('the metadata of a provider', () => {
  it('is what its document says', async () => {
    const provider = new Provider(publicIssuer);
    expect(await provider.discovery().metadata()).toMatchObject(provider.document);
    expect(provider.requests).toEqual([`${publicIssuer}/.well-known/openid-configuration`]);
  });

  it('may name other hosts, and leave out what is not needed', async () => {
    const elsewhere = {
      token_endpoint: 'https://tokens.example/token',
      jwks_uri: 'https://keys.example/jwks',
      revocation_endpoint: undefined,
      userinfo_endpoint: undefined,
    };
    expect(await outcome(publicIssuer, elsewhere)).toBe('usable');
  });

  it('may stay on this machine when the provider is on it', async () => {
    expect(await outcome('http://127.0.0.1:9', {})).toBe('usable');
    expect(await outcome('http://localhost:9', { jwks_uri: 'http://[::1]:9/jwks' })).toBe('usable');
  });

  describe.each(endpoints)('with an %s', (name) => {
    it.each([
      ['on this machine', 'http://127.0.0.1:6379/x'],
      ['on this machine by name', 'https://admin.localhost/x'],
      ['on this machine in IPv6', 'http://[::1]:6379/x'],
      ['at this server', 'https://as.test/token'],
      ['at this server in capitals', 'HTTPS://AS.TEST:443/token'],
      ['in plain http', 'http://idp.test/x'],
      ['that is a script', 'javascript:alert(1)'],
      ['that is a file', 'file:///etc/passwd'],
      ['that holds credentials', 'https://user:pass@idp.test/x'],
      ['that is no URL', '/token'],
    ])('%s is not used — RFC 8414 §6.2', async (_name, url) => {
      const failure = await outcome(publicIssuer, { [name]: url });
      expect(failure).toBeInstanceOf(UpstreamError);
      expect(failure).toMatchObject({
        kind: 'transient',
        message: `the discovery document has no usable ${name}`,
      });
    });
  });

  it.each(endpoints.slice(0, 3))('is not used without an %s', async (name) => {
    expect(await outcome(publicIssuer, { [name]: undefined })).toBeInstanceOf(UpstreamError);
  });

  it('is not used when it is of another issuer — RFC 8414 §3.3', async () => {
    for (const issuer of ['https://evil.test', `${publicIssuer}/tenant`, undefined]) {
      expect(await outcome(publicIssuer, { issuer })).toBeInstanceOf(UpstreamError);
    }
    // The one difference that there may be, and only where there is no path.
    expect(await outcome(publicIssuer, { issuer: `${publicIssuer}/` })).toBe('usable');
  });
});

describe('the age of the metadata', () => {
  it('lets it be fetched once, however many ask, and again after an hour', async () => {
    const clock = new ManualClock();
    const provider = new Provider(publicIssuer);
    const discovery = provider.discovery(clock);
    await Promise.all([discovery.metadata(), discovery.metadata(), discovery.metadata()]);
    clock.advance(3599);
    await discovery.metadata();
    expect(provider.requests).toHaveLength(1);
    clock.advance(1);
    await discovery.metadata();
    expect(provider.requests).toHaveLength(2);
  });

  it('keeps nobody waiting when it is old and the provider hangs', async () => {
    const clock = new ManualClock();
    const provider = new Provider(publicIssuer);
    const discovery = provider.discovery(clock);
    const old = await discovery.metadata();
    clock.advance(7200);
    provider.document = { ...provider.document, token_endpoint: `${publicIssuer}/new-token` };
    const hanging = provider.hold();
    expect(await discovery.metadata()).toBe(old);
    expect(await discovery.metadata()).toBe(old);
    expect(provider.requests).toHaveLength(2);
    hanging.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect((await discovery.metadata()).token_endpoint).toBe(`${publicIssuer}/new-token`);
  });

  it.each([
    ['fails', (provider: Provider) => (provider.fails = true)],
    [
      'is poisoned',
      (provider: Provider) => {
        provider.document = { ...provider.document, jwks_uri: 'http://127.0.0.1/jwks' };
      },
    ],
  ])('lets the old serve on when the new %s', async (_name, spoil) => {
    const clock = new ManualClock();
    const provider = new Provider(publicIssuer);
    const discovery = provider.discovery(clock);
    const old = await discovery.metadata();
    clock.advance(3600);
    spoil(provider);
    for (const times of [2, 3]) {
      expect(await discovery.metadata()).toBe(old);
      await new Promise((resolve) => setImmediate(resolve));
      expect(provider.requests).toHaveLength(times);
    }
  });

  it('does not remember that it could not be had', async () => {
    const provider = new Provider(publicIssuer);
    const discovery = provider.discovery();
    provider.fails = true;
    await expect(discovery.metadata()).rejects.toMatchObject({ kind: 'transient' });
    provider.fails = false;
    expect((await discovery.metadata()).issuer).toBe(publicIssuer);
  });
});
