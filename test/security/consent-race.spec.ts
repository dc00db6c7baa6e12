// RFC 6819 §5.2.3.2, OAuth 2.1 §7.5: an answer to the consent page counts once, also in a race.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { expectInvariants, expectLocalRefusal } from '../support/outcomes.js';
import { type Answer, clientRedirect, type ProxyFlow, startFlow } from '../support/proxy-flow.js';
import { type AuthorizationRequest } from '../support/request-builders.js';
import { UpstreamIdp } from '../support/upstream-idp.js';

type Action = 'approve' | 'deny';

let idp: UpstreamIdp;
let flow: ProxyFlow;

beforeAll(async () => {
  idp = await UpstreamIdp.start();
  flow = await startFlow({ idp });
});

afterAll(async () => {
  await flow.close();
  await idp.stop();
});

/** A consent page in a browser whose buttons can be pressed more than once. */
class Page {
  static async open(): Promise<Page> {
    const client = await flow.register();
    const request = flow.authorizationRequest(client);
    const browser = new Browser();
    const page = await flow.consentPage(request, browser);
    const cookie = browser.cookies.header(new URL(flow.issuer), {
      method: 'POST',
      crossSite: false,
    });
    const fields = page.forms[0]?.fields.map((f) => [f.name, f.value]) ?? [];
    return new Page(request, Object.fromEntries(fields) as Record<string, string>, String(cookie));
  }

  private constructor(
    readonly request: AuthorizationRequest,
    private readonly fields: Readonly<Record<string, string>>,
    private readonly cookie: string,
  ) {}

  press(action: Action): Promise<Answer> {
    return flow.send('/consent', {
      form: { ...this.fields, action },
      headers: {
        accept: 'text/html',
        origin: flow.app.origin,
        'sec-fetch-site': 'same-origin',
        cookie: this.cookie,
      },
    });
  }
}

const leadsOn = ({ status, headers }: Answer, action: Action): boolean => {
  const location = String(headers['location']);
  const start = action === 'approve' ? idp.endpoint('authorization') : clientRedirect;
  return status === 303 && location.startsWith(`${start}?`);
};

const setsApproved = ({ headers }: Answer): boolean =>
  String(headers['set-cookie']).includes('mcp-auth-approved');

const logins = (): number =>
  flow.app.store.live().filter(({ key }) => key.startsWith('login:')).length;

function expectOver(answer: Answer): void {
  expectLocalRefusal(answer, flow);
  expect(answer.text).toContain('This login is over');
  expect(setsApproved(answer)).toBe(false);
}

describe('both answers at once', () => {
  it.each([
    ['approve', 'deny'],
    ['deny', 'approve'],
  ] as const)('%s counts when it is first, and %s changes nothing', async (first, second) => {
    const page = await Page.open();
    const before = logins();
    const gate = flow.app.store.hold('add', 'decision:');
    const winner = page.press(first);
    await gate.arrived(1);
    const loser = page.press(second);
    // Both have found the login open; neither has decided it.
    await gate.arrived(2);
    gate.release();
    const state = page.request.state;
    expectInvariants(await winner, { issuer: flow.issuer, state });
    expect(leadsOn(await winner, first)).toBe(true);
    expect(setsApproved(await winner)).toBe(first === 'approve');
    expectOver(await loser);
    expect(logins()).toBe(before + (first === 'approve' ? 1 : 0));
    // However often they are pressed again.
    expect((await page.press(first)).headers['location']).toBe((await winner).headers['location']);
    expectOver(await page.press(second));
  });

  it('let exactly one of them win, whoever it is', async () => {
    for (let round = 0; round < 5; round++) {
      const page = await Page.open();
      const actions = ['approve', 'deny', 'deny', 'approve'] as const;
      const answers = await Promise.all(actions.map((action) => page.press(action)));
      const won = actions.filter((action, i) => leadsOn(answers[i] as Answer, action));
      expect(won).toHaveLength(2);
      expect(new Set(won).size).toBe(1);
      answers.filter((_, i) => actions[i] !== won[0]).forEach(expectOver);
    }
  });
});

describe('a double click', () => {
  it.each(['approve', 'deny'] as const)('on %s leads to one place', async (action) => {
    const page = await Page.open();
    const before = logins();
    const gate = flow.app.store.hold('add', 'decision:');
    const clicks = [page.press(action), page.press(action)];
    await gate.arrived(2);
    gate.release();
    const answers = await Promise.all(clicks);
    expect(answers.map((answer) => leadsOn(answer, action))).toEqual([true, true]);
    const [one, two] = answers as [Answer, Answer];
    expect(two.headers['location']).toBe(one.headers['location']);
    expect(two.headers['set-cookie']).toBe(one.headers['set-cookie']);
    expect(logins()).toBe(before + (action === 'approve' ? 1 : 0));
  });

  it('leads there too when the second finds the login just answered', async () => {
    const page = await Page.open();
    const gate = flow.app.store.hold('get', 'transaction:');
    const second = page.press('approve');
    await gate.arrived(1);
    const deciding = flow.app.store.hold('add', 'decision:');
    gate.release();
    await deciding.arrived(1);
    const reading = flow.app.store.hold('get', 'decision:');
    const first = page.press('approve');
    await reading.arrived(1);
    deciding.release();
    reading.release();
    expect((await first).headers['location']).toBe((await second).headers['location']);
    expect(leadsOn(await first, 'approve')).toBe(true);
  });
});
