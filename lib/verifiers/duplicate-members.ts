const STRING_OR_BRACKET = /"(?:[^"\\]|\\.)*"(?=(\s*:)?)|[{}[\]]/g;

/**
 * Tells whether the outermost object of a JSON text has a member twice, which `JSON.parse` hides.
 * The text must be valid JSON. RFC 7515 §4: header parameter names must be unique.
 */
export function hasDuplicateMembers(json: string): boolean {
  const names = new Set<unknown>();
  let depth = 0;
  for (const [text, colon] of json.matchAll(STRING_OR_BRACKET)) {
    if (text === '{' || text === '[') depth++;
    else if (text === '}' || text === ']') depth--;
    else if (colon !== undefined && depth === 1) {
      const name: unknown = JSON.parse(text);
      if (names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}
