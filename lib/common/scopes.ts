/** For each broad scope the narrower ones it includes, such as `{ admin: ['read', 'write'] }`. */
export type ImpliedScopes = Readonly<Record<string, readonly string[]>>;

/** Tells whether the text is one scope-token of RFC 6749 §3.3. */
export function isScopeToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x21 || c > 0x7e || c === 0x22 || c === 0x5c) return false;
  }
  return true;
}

/** Parses a space-delimited scope (RFC 6749 §3.3), without duplicates; null when it is malformed. */
export function parseScope(text: string): readonly string[] | null {
  const tokens = text.split(' ').filter((t) => t.length > 0);
  return tokens.every(isScopeToken) ? unionScopes(tokens) : null;
}

export function renderScope(scopes: readonly string[]): string {
  return scopes.join(' ');
}

export function unionScopes(...lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())];
}

/** The members of `scopes` that `allowed` has too, in the order of `scopes`. */
export function intersectScopes(
  scopes: readonly string[],
  allowed: readonly string[],
): readonly string[] {
  return scopes.filter((s) => allowed.includes(s));
}

/** Tells whether the granted scopes, with all they imply, include every required one. */
export function coversScopes(
  granted: readonly string[],
  required: readonly string[],
  implied: ImpliedScopes = {},
): boolean {
  if (required.every((s) => granted.includes(s))) return true;
  const reach = new Set(granted);
  for (const scope of reach) {
    // A Set's iteration also visits what is added while it runs: this is the transitive closure.
    if (Object.hasOwn(implied, scope)) for (const s of implied[scope] ?? []) reach.add(s);
  }
  return required.every((s) => reach.has(s));
}
