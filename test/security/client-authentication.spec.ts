// Security matrix CA: how clients with and without a secret prove who they are at the token endpoint.
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../support/app.js';
import { expectInvariants, expectStoreUntouched, expectTokenError } from '../support/outcomes.js';
import {
  type Answer,
  type HeldCode,
  jsonOf,
  type ProxyFlow,
  startFlow,
  type TestClient,
  tokensOf,
} from '../support/proxy-flow.js';
import type { Params } from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

const realm = 'Basic realm="token"';
let idp: UpstreamIdp;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
});

afterAll(() => idp.stop());

const basicText = (text: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(text).toString('base64')}`,
});
const basic = ({ id, secret = '' }: TestClient): { authorization: string } =>
  basicText(`${id}:${secret}`);

describe.each(platforms)('client authentication on %s', (platform) => {
  let flow: ProxyFlow;
  let open: TestClient;
  let byHeader: TestClient & { readonly secret: string };
  let byForm: TestClient & { readonly secret: string };

  beforeAll(async () => {
    // What is counted is stored; see client-authentication-limits.
    const rateLimits = { failedAuthentications: false } as const;
    flow = await startFlow({ idp, platform, proxy: { rateLimits } });
    open = await flow.register();
    byHeader = await confidential('client_secret_basic');
    byForm = await confidential('client_secret_post');
  });

  afterAll(() => flow.close());

  async function confidential(method: string): Promise<TestClient & { readonly secret: string }> {
    const client = await flow.register({ token_endpoint_auth_method: method });
    const { secret } = client;
    if (secret === undefined) throw new Error('The client got no secret');
    return { ...client, secret };
  }

  /** The right form of the client, without its secret: what proves it is the test's to add. */
  const formOf = (held: HeldCode): Params => flow.tokenRequest(held).without('client_secret');

  const refusedAs = (answer: Answer, attempt: 'basic' | 'form'): void => {
    expectTokenError(answer, flow, 'invalid_client', 401);
    expect(answer.headers['www-authenticate']).toBe(attempt === 'basic' ? realm : undefined);
  };

  it('lets each client in by its own method', async () => {
    const ways: [TestClient, (form: Params, client: TestClient) => Promise<Answer>][] = [
      [open, (form) => flow.token(form)],
      [byForm, (form, { secret = '' }) => flow.token(form.with({ client_secret: secret }))],
      [byHeader, (form, client) => flow.token(form.without('client_id'), basic(client))],
      [byHeader, (form, client) => flow.token(form, basic(client))],
    ];
    for (const [client, redeem] of ways) {
      const answer = await redeem(formOf(await flow.codeFor(client)), client);
      expectInvariants(answer, { issuer: flow.issuer });
      expect(await flow.isAccepted(tokensOf(answer).access_token)).toBe(true);
    }
  });

  it('refuses a client that is missing or unknown — CA-01', async () => {
    const held = await flow.codeFor(open);
    const form = formOf(held);
    await expectStoreUntouched(flow, async () => {
      expectTokenError(await flow.token(form.without('client_id')), flow, 'invalid_request');
      expectTokenError(await flow.token(form.with({ client_id: '' })), flow, 'invalid_request');
      refusedAs(await flow.token(form.with({ client_id: 'nobody' })), 'form');
      const secret = { client_id: 'nobody', client_secret: 'x' };
      refusedAs(await flow.token(form.with(secret)), 'form');
      refusedAs(await flow.token(form.without('client_id'), basicText('nobody:x')), 'basic');
      const odd = ['constructor', '__proto__', 'a'.repeat(4096), '\u0000', '../x', "' OR 1=1"];
      for (const id of odd) refusedAs(await flow.token(form.with({ client_id: id })), 'form');
    });
    tokensOf(await flow.token(form));
  });

  it('refuses a secret that is missing, wrong, empty or doubled and burns nothing — CA-02', async () => {
    const held = await flow.codeFor(byForm);
    const form = formOf(held);
    const { secret } = byForm;
    const wrong = ['x', `${secret}x`, secret.slice(0, -1), secret.toUpperCase(), byHeader.secret];
    await expectStoreUntouched(flow, async () => {
      refusedAs(await flow.token(form), 'form');
      refusedAs(await flow.token(form.with({ client_secret: '' })), 'form');
      for (const client_secret of wrong) {
        refusedAs(await flow.token(form.with({ client_secret })), 'form');
      }
      for (const name of ['client_secret[]', 'client_secret[0]', 'client_secret[a]']) {
        const answer = await flow.token(form.with({ [name]: secret }));
        expectTokenError(answer, flow, 'invalid_request');
      }
      const doubled = form.with({ client_secret: 'x' }).twice('client_secret', secret);
      expectTokenError(await flow.token(doubled), flow, 'invalid_request');
    });
    const tokens = tokensOf(await flow.token(form.with({ client_secret: secret })));
    const refresh = flow.refreshRequest(tokens.refresh_token, byForm);
    await expectStoreUntouched(flow, async () => {
      refusedAs(await flow.token(refresh.without('client_secret')), 'form');
      refusedAs(await flow.token(refresh.with({ client_secret: 'x' })), 'form');
    });
    tokensOf(await flow.token(refresh));
  });

  it('refuses a wrong secret in the header with a challenge — CA-02', async () => {
    const held = await flow.codeFor(byHeader);
    const form = formOf(held);
    await expectStoreUntouched(flow, async () => {
      for (const secret of ['', 'x', `${byHeader.secret} `, byForm.secret]) {
        refusedAs(await flow.token(form, basic({ ...byHeader, secret })), 'basic');
      }
    });
    tokensOf(await flow.token(form, basic(byHeader)));
  });

  it('refuses every other method than the registered one — CA-03', async () => {
    const methods = {
      none: (form: Params) => flow.token(form),
      client_secret_post: (form: Params, client_secret: string) =>
        flow.token(form.with({ client_secret })),
      client_secret_basic: (form: Params, secret: string) =>
        flow.token(form, basic({ id: form.get('client_id') ?? '', redirectUri: '', secret })),
    };
    const registered = [
      ['none', open],
      ['client_secret_post', byForm],
      ['client_secret_basic', byHeader],
    ] as const;
    for (const [own, client] of registered) {
      const held = await flow.codeFor(client);
      const secret = client.secret ?? 'x';
      await expectStoreUntouched(flow, async () => {
        for (const other of Object.keys(methods) as (keyof typeof methods)[]) {
          if (other === own) continue;
          const answer = await methods[other](formOf(held), secret);
          refusedAs(answer, other === 'client_secret_basic' ? 'basic' : 'form');
        }
      });
      tokensOf(await methods[own](formOf(held), secret));
    }
  });

  it('refuses a public client with a secret, and takes an empty one in the form for none — CA-04', async () => {
    const held = await flow.codeFor(open);
    const form = formOf(held);
    await expectStoreUntouched(flow, async () => {
      refusedAs(await flow.token(form.with({ client_secret: 'x' })), 'form');
      refusedAs(await flow.token(form, basicText(`${open.id}:`)), 'basic');
      refusedAs(await flow.token(form, basicText(`${open.id}:x`)), 'basic');
    });
    tokensOf(await flow.token(form.with({ client_secret: '' })));
  });

  it('refuses two methods at once, even if both are right — CA-05', async () => {
    const held = await flow.codeFor(byHeader);
    const form = formOf(held);
    await expectStoreUntouched(flow, async () => {
      const both = form.with({ client_secret: byHeader.secret });
      expectTokenError(await flow.token(both, basic(byHeader)), flow, 'invalid_request');
      const two = { client_secret: byHeader.secret, client_assertion: 'a.b.c' };
      expectTokenError(await flow.token(form.with(two)), flow, 'invalid_request');
      const type = { client_assertion_type: 'x' };
      const answer = await flow.token(form.with(type), basic(byHeader));
      expectTokenError(answer, flow, 'invalid_request');
    });
    tokensOf(await flow.token(form, basic(byHeader)));
  });

  it('refuses one client in the header and another in the form — CA-06', async () => {
    const [mine, theirs] = [await flow.codeFor(byHeader), await flow.codeFor(open)];
    await expectStoreUntouched(flow, async () => {
      for (const held of [mine, theirs]) {
        const form = formOf(held).with({ client_id: open.id });
        refusedAs(await flow.token(form, basic(byHeader)), 'basic');
      }
    });
    tokensOf(await flow.token(formOf(mine), basic(byHeader)));
    tokensOf(await flow.redeem(theirs));
  });

  it("refuses a code and a refresh token of another client's — CA-06", async () => {
    const theirs = await flow.codeFor(open);
    await expectStoreUntouched(flow, async () => {
      const form = formOf(theirs).without('client_id');
      expectTokenError(await flow.token(form, basic(byHeader)), flow, 'invalid_grant');
    });
    const { refresh_token } = tokensOf(await flow.redeem(theirs));
    await expectStoreUntouched(flow, async () => {
      const form = flow.refreshRequest(refresh_token, open).without('client_id');
      expectTokenError(await flow.token(form, basic(byHeader)), flow, 'invalid_grant');
    });
    tokensOf(await flow.refresh(refresh_token, open));
  });

  it('answers malformed credentials in the header with a challenge — CA-07', async () => {
    const { id, secret } = byHeader;
    const held = await flow.codeFor(byHeader);
    const good = Buffer.from(`${id}:${secret}`).toString('base64');
    const bytes = (...parts: (string | number[])[]): string =>
      `Basic ${Buffer.concat(parts.map((part) => Buffer.from(part as string))).toString('base64')}`;
    const malformed = [
      'Basic',
      'Basic !!!!',
      basicText(id).authorization,
      basicText(`:${secret}`).authorization,
      basicText(`${id}:%zz`).authorization,
      basicText(`${id}\u0000:${secret}`).authorization,
      basicText(`${id}:${secret}\u0000`).authorization,
      bytes(`${id}:`, [0xc3, 0x28]),
      `Basic ${good} x`,
      `Basic ${good},Basic ${good}`,
      `Basic ${good.slice(0, 8)} ${good.slice(8)}`,
      `Basic ${good}=`,
      `Basic ${good}!`,
      `Basic ${Buffer.from(`${id}:\u00fb\u00ff`).toString('base64url')}`,
      `Bearer ${good}`,
      good,
    ];
    await expectStoreUntouched(flow, async () => {
      for (const authorization of malformed) {
        refusedAs(await flow.token(formOf(held), { authorization }), 'basic');
      }
      // Short of the limit that Node itself sets on headers.
      refusedAs(await flow.token(formOf(held), basicText(`${id}:${'s'.repeat(9000)}`)), 'basic');
    });
    tokensOf(await flow.token(formOf(held), { authorization: `Basic ${good}` }));
  });

  it('answers a header of 100 kB without a fault — CA-07', async () => {
    const held = await flow.codeFor(byHeader);
    const answer = await flow.token(
      formOf(held),
      basicText(`${byHeader.id}:${'s'.repeat(75_000)}`),
    );
    // Node refuses it before the app sees it: RFC 6585 §5.
    expect([400, 401, 431]).toContain(answer.status);
    tokensOf(await flow.token(formOf(held), basic(byHeader)));
  });

  it.each(['basic', 'BASIC', 'bAsIc', 'Basic '])(
    'knows the scheme as "%s" — CA-09',
    async (scheme) => {
      const held = await flow.codeFor(byHeader);
      const { authorization } = basic(byHeader);
      const written = { authorization: authorization.replace('Basic', scheme) };
      tokensOf(await flow.token(formOf(held), written));
    },
  );

  it('knows no scheme before a tab — CA-09', async () => {
    const held = await flow.codeFor(byHeader);
    const { authorization } = basic(byHeader);
    const tab = { authorization: authorization.replace(' ', '\t') };
    refusedAs(await flow.token(formOf(held), tab), 'basic');
    tokensOf(await flow.token(formOf(held), basic(byHeader)));
  });

  it('refuses repeated parameters — CA-10', async () => {
    const held = await flow.codeFor(byForm);
    const form = flow.tokenRequest(held);
    await expectStoreUntouched(flow, async () => {
      for (const name of ['client_id', 'client_secret', 'grant_type', 'code', 'code_verifier']) {
        expectTokenError(await flow.token(form.twice(name)), flow, 'invalid_request');
        expectTokenError(await flow.token(form.twice(name, 'x')), flow, 'invalid_request');
      }
    });
    const { refresh_token } = tokensOf(await flow.token(form));
    const refresh = flow.refreshRequest(refresh_token, byForm);
    await expectStoreUntouched(flow, async () => {
      for (const name of ['refresh_token', 'client_assertion']) {
        expectTokenError(await flow.token(refresh.twice(name)), flow, 'invalid_request');
      }
    });
    tokensOf(await flow.token(refresh));
  });

  it('takes a form and nothing else — CA-11', async () => {
    const held = await flow.codeFor(byForm);
    const form = flow.tokenRequest(held);
    const body = String(form);
    const type = 'application/x-www-form-urlencoded';
    const json = JSON.stringify(Object.fromEntries(new URLSearchParams(body)));
    const others: [string, string | undefined][] = [
      [json, 'application/json'],
      [body, 'application/json'],
      [json, type],
      [body, `application/json, ${type}`],
      [body, `${type}, application/json`],
      [body, 'text/plain'],
      [body, 'multipart/form-data; boundary=x'],
      [body, `${type};charset=utf-16`],
    ];
    await expectStoreUntouched(flow, async () => {
      for (const [sent, contentType] of others) {
        const headers = contentType === undefined ? {} : { 'content-type': contentType };
        const answer = await flow.send('/token', { body: sent, headers });
        expectInvariants(answer, { issuer: flow.issuer });
        expect([400, 415]).toContain(answer.status);
      }
      await expectRefusedWithoutTypeOrPacked(body);
    });
    const headers = { 'content-type': `${type}; charset=UTF-8` };
    tokensOf(await flow.send('/token', { body, headers }));
  });

  async function expectRefusedWithoutTypeOrPacked(body: string): Promise<void> {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const bodies: [Uint8Array<ArrayBuffer>, Record<string, string>][] = [
      [new Uint8Array(Buffer.from(body)), {}],
      [new Uint8Array(gzipSync(body)), { ...type, 'content-encoding': 'gzip' }],
      [new Uint8Array(Buffer.from(body)), { ...type, 'content-encoding': 'gzip' }],
    ];
    for (const [bytes, headers] of bodies) {
      const url = `${flow.issuer}/token`;
      const response = await fetch(url, { method: 'POST', body: bytes, headers });
      expect([400, 415]).toContain(response.status);
      expect(await response.text()).not.toContain('access_token');
    }
  }

  it('does not look for credentials in the query — CA-12', async () => {
    const held = await flow.codeFor(byForm);
    const form = formOf(held);
    const query = new URLSearchParams({ client_id: byForm.id, client_secret: byForm.secret });
    const path = `/token?${query.toString()}`;
    await expectStoreUntouched(flow, async () => {
      refusedAs(await flow.send(path, { form }), 'form');
      const bare = await flow.send(path, { form: form.without('client_id') });
      expectTokenError(bare, flow, 'invalid_request');
      const everything = await flow.send(`/token?${String(flow.tokenRequest(held))}`, {
        form: { grant_type: 'authorization_code' },
      });
      expectTokenError(everything, flow, 'invalid_request');
    });
    tokensOf(await flow.token(flow.tokenRequest(held)));
  });

  it('refuses a grant type the client did not register — CA-21', async () => {
    const client = await flow.register({ grant_types: ['authorization_code'] });
    const tokens = jsonOf(await flow.redeem(await flow.codeFor(client)));
    expect(tokens).not.toHaveProperty('refresh_token');
    const other = await flow.tokensFor(open);
    await expectStoreUntouched(flow, async () => {
      const form = flow.refreshRequest(other.refresh_token, client);
      expectTokenError(await flow.token(form), flow, 'unauthorized_client');
      for (const grant_type of ['password', 'client_credentials', 'refresh_token ', 'toString']) {
        const answer = await flow.token(form.with({ grant_type }));
        expectTokenError(answer, flow, 'unsupported_grant_type');
      }
      expectTokenError(await flow.token(form.without('grant_type')), flow, 'invalid_request');
    });
    tokensOf(await flow.refresh(other.refresh_token, open));
  });

  it('answers in JSON that nobody keeps, and sets no cookie — CA-22', async () => {
    const held = await flow.codeFor(byForm);
    const form = flow.tokenRequest(held);
    const failures = [
      await flow.token(form.with({ client_secret: 'x' })),
      await flow.token(form.without('client_secret'), basicText('nobody:x')),
      await flow.token(form.with({ code: 'x' })),
      await flow.token(form.without('grant_type')),
      await flow.token(form.twice('code')),
    ];
    const success = await flow.token(form);
    tokensOf(success);
    for (const answer of [...failures, success]) {
      expectInvariants(answer, { issuer: flow.issuer });
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['pragma']).toBe('no-cache');
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(answer.headers['location']).toBeUndefined();
    }
  });
});
