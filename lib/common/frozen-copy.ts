/** A deeply frozen copy of JSON-like data, so that no caller can change what another one reads. */
export function frozenCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T;
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const value = frozenCopy(member);
    // Assigning to `__proto__` would change the object instead of adding a claim.
    if (key === '__proto__') Object.defineProperty(copy, key, { value, enumerable: true });
    else copy[key] = value;
  }
  return Object.freeze(copy) as T;
}

/**
 * A copy of options whose lists and plain objects are the app's no more: what it does to them later
 * changes nothing. Objects with a class of their own, such as a store, stay what they are.
 */
export function frozenOptions<T extends object>(options: T): T {
  const copy = Object.entries(options).map(([name, value]: [string, unknown]) => [
    name,
    isPlain(value) ? frozenCopy(value) : value,
  ]);
  return Object.freeze(Object.fromEntries(copy)) as T;
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
