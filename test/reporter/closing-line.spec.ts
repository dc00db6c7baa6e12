import { describe, expect, it } from '@jest/globals';
import { closingLine, missingLine } from './closing-line.reporter.mjs';

const clean = {
  numPassedTests: 12,
  numFailedTests: 0,
  numRuntimeErrorTestSuites: 0,
  numPendingTests: 0,
  numTodoTests: 0,
};

describe('the closing line', () => {
  it('tells what passed and what failed', () => {
    expect(closingLine({ ...clean, numFailedTests: 2 })).toBe('12 passed, 2 failed');
  });

  it('counts a file that could not be loaded as failed', () => {
    expect(closingLine({ ...clean, numRuntimeErrorTestSuites: 1 })).toBe('12 passed, 1 failed');
  });

  it('tells what was skipped or only announced, if anything', () => {
    const skipping = { ...clean, numPendingTests: 1, numTodoTests: 2 };
    expect(closingLine(skipping)).toBe('12 passed, 0 failed, 3 skipped');
  });
});

describe('the line about what is missing', () => {
  const file = (title: string, ...states: string[]) => ({
    testResults: states.map((status) => ({ ancestorTitles: [title, 'inner'], status })),
  });

  it('is not there when nothing is', () => {
    expect(missingLine([file('a', 'passed', 'pending'), file('b (skipped: x)', 'passed')])).toBe(
      '',
    );
  });

  it('names each thing once, with how much was skipped for it', () => {
    const files = [
      file('a (skipped: no Redis at 127.0.0.1:6379)', 'pending', 'pending'),
      file('b (skipped: no Chromium)', 'pending'),
      file('c (skipped: no Redis at 127.0.0.1:6379)', 'pending'),
    ];
    expect(missingLine(files)).toBe(
      'Skipped: no Redis at 127.0.0.1:6379 (3 tests), no Chromium (1 tests)',
    );
  });
});
