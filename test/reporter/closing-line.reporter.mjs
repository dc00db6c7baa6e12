/** Ends a test run with one plain line, such as `12 passed, 0 failed, 1 skipped`. */
export default class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    // Jest puts its own summary behind every reporter's, so the last word is had at the exit.
    const lines = [missingLine(results.testResults), closingLine(results)].filter(Boolean);
    process.once('exit', () => process.stdout.write(`${lines.join('\n')}\n`));
  }
}

export function closingLine(results) {
  // A file that cannot even be loaded runs no test, so it would count for nothing.
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests + results.numTodoTests;
  const line = `${results.numPassedTests} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}

/** What was missing on this machine, and how many tests were skipped for it; empty when nothing was. */
export function missingLine(files) {
  const missing = new Map();
  for (const { ancestorTitles, status } of files.flatMap((file) => file.testResults)) {
    const [, what] = /\(skipped: (.+)\)$/.exec(ancestorTitles[0] ?? '') ?? [];
    if (status === 'pending' && what) missing.set(what, (missing.get(what) ?? 0) + 1);
  }
  const parts = [...missing].map(([what, count]) => `${what} (${count} tests)`);
  return parts.length > 0 ? `Skipped: ${parts.join(', ')}` : '';
}
