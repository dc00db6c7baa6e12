/** How many cases a property is tried on: 1000, and 100 000 in the long run (`LONG_TESTS=1`). */
export function propertyRuns(): number {
  return process.env['LONG_TESTS'] === '1' ? 100_000 : 1000;
}
