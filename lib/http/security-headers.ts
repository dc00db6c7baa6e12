import type { EndpointResponse } from './endpoint.js';
import { PAGE_STYLE_SOURCE } from './page-style.js';

const EVERY_RESPONSE = {
  'cache-control': 'no-store',
  // A page under this policy submits its form with `Origin: null` (Fetch §3.2): whoever checks
  // where a form came from must go by `Sec-Fetch-Site` and a token in the form.
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

// No `form-action`: Chromium applies it to the redirects that follow the submit, so the way from
// the consent page to the upstream and on to the client would be blocked.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src ${PAGE_STYLE_SOURCE}`,
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The headers every page needs, in lower case.
 *
 * `Cross-Origin-Opener-Policy` must not be among them: clients open the authorization endpoint in
 * a popup and wait for word from their own callback page, and the policy would cut that page off
 * from its opener.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  ...EVERY_RESPONSE,
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-frame-options': 'DENY',
};

/**
 * The security headers of a response, in lower case, under the response's own headers.
 * @see RFC 6749 §5.1, RFC 9700 §4.16
 */
export function securityHeaders(response: EndpointResponse): Record<string, string> {
  const own = Object.entries(response.headers ?? {}).map(([n, v]) => [n.toLowerCase(), v] as const);
  const headers: Record<string, string> = {
    ...(response.kind === 'page' ? PAGE_HEADERS : EVERY_RESPONSE),
    ...Object.fromEntries(own),
  };
  const isUncachedJson = response.kind === 'json' && headers['cache-control'] === 'no-store';
  return isUncachedJson ? { pragma: 'no-cache', ...headers } : headers;
}
