import { describe, expect, it } from '@jest/globals';
import type { Answer } from './answer.js';
import { AnswerWatch } from './answer-watch.js';

const headers = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
const good: Answer = { url: '/as/token', method: 'POST', status: 200, headers, text: '{}' };
const denied = (text: string): Answer => ({
  ...good,
  status: 400,
  text: `{"error":"invalid_grant","error_description":"${text}"}`,
});

function breachOf(answers: readonly Answer[], sent = {}): string {
  const watch = new AnswerWatch('http://127.0.0.1:1/as');
  for (const answer of answers) watch.look({ headers: sent }, answer);
  expect(watch.answers).toBe(answers.length);
  try {
    watch.assertNone();
    return '';
  } catch (error) {
    return String(error);
  }
}

describe('AnswerWatch', () => {
  it('has nothing to say of answers as they should be', () => {
    expect(breachOf([good, denied('Gone.'), denied('Gone.')])).toBe('');
    expect(breachOf([{ ...good, status: 503, text: '{"error":"temporarily_unavailable"}' }])).toBe(
      '',
    );
    expect(breachOf([{ ...good, url: '/elsewhere', status: 500, headers: {} }])).toBe('');
    const location = 'https://app.test/cb?code=c&state=s&iss=http%3A%2F%2F127.0.0.1%3A1%2Fas';
    expect(
      breachOf([
        {
          ...good,
          url: '/as/auth/callback?code=x',
          status: 302,
          headers: { ...headers, location },
        },
      ]),
    ).toBe('');
    const bearer = { authorization: 'Bearer t' };
    expect(breachOf([{ ...good, url: '/mcp', headers: {} }], bearer)).toBe('');
    expect(breachOf([{ ...good, url: '/mcp', status: 401, headers: {} }])).toBe('');
  });

  it.each<[string, readonly Answer[]]>([
    ['a 500', [{ ...good, status: 500 }]],
    ['a stack', [{ ...good, text: 'x\n    at f (/srv/a.js:1:2)' }]],
    [
      'an answer that may be cached',
      [{ ...good, headers: { ...headers, 'cache-control': 'public' } }],
    ],
    ['a refusal that tells why', [denied('Gone.'), denied('Expired.')]],
    [
      'no iss',
      [{ ...good, status: 302, headers: { ...headers, location: 'https://app.test/cb?code=c' } }],
    ],
    ['a guard that breaks', [{ ...good, url: '/mcp?a', status: 500 }]],
    ['a guard that is open', [{ ...good, url: '/mcp' }]],
  ])('names %s', (_name, answers) => {
    expect(breachOf(answers)).toContain(answers[0]?.url);
  });
});
