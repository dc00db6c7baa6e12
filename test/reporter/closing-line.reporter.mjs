/** Ends a test run with one plain line, such as `12 passed, 0 failed, 1 skipped`. */
export default class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    // Jest puts its own summary behind every reporter's, so the last word is had at the exit.
    process.once('exit', () => process.stdout.write(`${closingLine(results)}\n`));
  }
}

export function closingLine(results) {
  // A file that cannot even be loaded runs no test, so it would count for nothing.
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests + results.numTodoTests;
  const line = `${results.numPassedTests} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
