import { PAGE_STYLE_SOURCE } from '../../http/page-style.js';

/**
 * The policy of the pages: the built-in one, or the operator's, to which it adds what the built-in
 * pages need where the operator does not say.
 */
export function pagePolicy(given: string | undefined, icon: string | undefined): string {
  // A path is an image of this origin; everything else that a page shows is in the page.
  const images = icon?.startsWith('/') ? "'self' data:" : 'data:';
  const needed = [`style-src ${PAGE_STYLE_SOURCE}`, `img-src ${images}`, "base-uri 'none'"];
  // No `form-action`: Chromium applies it to the redirects that follow the submit, so the way from
  // the consent page to the upstream and on to the client would be blocked.
  if (given === undefined) {
    return ["default-src 'none'", ...needed, "frame-ancestors 'none'"].join('; ');
  }
  const said = directivesOf(given);
  const missing = needed.filter((directive) => !said.has(directive.split(' ', 1)[0] ?? ''));
  return [given.trim().replace(/[;\s]+$/, ''), ...missing].join('; ');
}

/** Says why the pages may not have that policy, or null. @see CSP Level 3 §6.4.2, RFC 9700 §4.16 */
export function policyProblem(policy: unknown): string | null {
  if (typeof policy !== 'string' || !/^[\x20-\x7e]+$/.test(policy) || policy.includes(',')) {
    return 'must be one policy, in visible ASCII on one line';
  }
  const directives = directivesOf(policy);
  if (directives.get('frame-ancestors')?.join(' ') !== "'none'") {
    return "must have frame-ancestors 'none': a page that can be framed can be clicked unseen";
  }
  const scripts = ['script-src-elem', 'script-src-attr'].map(
    (name) => directives.get(name) ?? directives.get('script-src') ?? directives.get('default-src'),
  );
  return scripts.every((sources) => sources && !sources.some((source) => unsafe.test(source)))
    ? null
    : "must have default-src or script-src, and no 'unsafe-inline' or open scheme for scripts";
}

const unsafe = /^(?:'unsafe-[a-z-]+'|\*|[a-z][a-z0-9+.-]*:)$/;

/** The directives in lower case; of a repeated one the first counts (CSP Level 3 §2.2.1). */
function directivesOf(policy: string): ReadonlyMap<string, readonly string[]> {
  const directives = new Map<string, readonly string[]>();
  for (const part of policy.toLowerCase().split(';')) {
    const [name = '', ...sources] = part.trim().split(/\s+/);
    if (name !== '' && !directives.has(name)) directives.set(name, sources);
  }
  return directives;
}
