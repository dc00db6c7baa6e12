/** A member of what a vendor answered, whatever that is. */
export function memberOf(value: unknown, name: string): unknown {
  return (Object(value) as Readonly<Record<string, unknown>>)[name];
}

/** Those of the members that are texts, as claims. */
export function textClaims(value: unknown, names: readonly string[]): Record<string, string> {
  const members = names.map((name) => [name, memberOf(value, name)] as const);
  return Object.fromEntries(members.filter(([, member]) => typeof member === 'string')) as Record<
    string,
    string
  >;
}
