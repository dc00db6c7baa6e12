/**
 * Tells whether a page's Content-Security-Policy lets a form's navigation reach the URL. Chromium
 * applies `form-action` to every redirect that follows the submission too.
 */
export function formActionAllows(
  policies: readonly string[],
  pageUrl: string,
  target: string,
): boolean {
  return policies.every((policy) => {
    const directive = policy
      .split(';')
      .map((part) => part.trim().split(/\s+/))
      .find(([name]) => name?.toLowerCase() === 'form-action');
    if (!directive) return true;
    return directive.slice(1).some((source) => sourceMatches(source, pageUrl, new URL(target)));
  });
}

function sourceMatches(source: string, pageUrl: string, target: URL): boolean {
  const text = source.toLowerCase();
  if (text === "'none'") return false;
  if (text === "'self'") return new URL(pageUrl).origin === target.origin;
  if (text === '*') return ['http:', 'https:'].includes(target.protocol);
  if (/^[a-z][a-z0-9+.-]*:$/.test(text)) return target.protocol === text;
  const wildcardPort = text.endsWith(':*');
  const url = wildcardPort ? text.slice(0, -2) : text;
  if (!URL.canParse(url)) return false;
  const allowed = new URL(url);
  if (allowed.protocol !== target.protocol || allowed.hostname !== target.hostname) return false;
  return wildcardPort || allowed.port === target.port;
}
