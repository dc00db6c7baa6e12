/** Whether this is the long run, `npm run test:long`. */
export function isLongRun(): boolean {
  return process.env['LONG_TESTS'] === '1';
}

/** How many cases a property is tried on: 1000, and 100 000 in the long run. */
export function propertyRuns(): number {
  return isLongRun() ? 100_000 : 1000;
}
