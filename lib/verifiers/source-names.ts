import type { TokenVerifier } from './token-verifier.js';

/** The names of the sources, in their order; a name used before gets `#2`, `#3`, … appended. */
export function sourceNames(sources: readonly TokenVerifier[]): readonly string[] {
  const taken = new Set<string>();
  return sources.map((source) => {
    const name = ownName(source);
    let unique = name;
    for (let count = 2; taken.has(unique); count++) unique = `${name}#${count}`;
    taken.add(unique);
    return unique;
  });
}

function ownName(source: TokenVerifier): string {
  if (source.name) return source.name;
  const className = source.constructor.name;
  return className && className !== 'Object' ? className : 'TokenVerifier';
}
