/** What to do with an id_token that comes along. */
export type IdTokenUse = 'validate' | 'ignore';

/**
 * Brings an upstream's token response into the form of RFC 6749 §5: an error that came with status
 * 200 becomes one of 400, and the error in the body counts, whatever challenge comes with it. What
 * is null, and a lifetime that makes no sense, counts as unsaid: the tokens are good all the same. An
 * id_token that is not asked for says nothing and is dropped: nobody would validate it.
 */
export async function normalizedTokenResponse(
  response: Response,
  idToken: IdTokenUse,
): Promise<Response> {
  const text = await response.text();
  const body = readObject(text);
  const headers = new Headers(response.headers);
  headers.delete('www-authenticate');
  if (body === undefined) return new Response(text, { status: response.status, headers });
  for (const [name, value] of Object.entries(body)) if (value === null) delete body[name];
  if (!isLifetime(body['expires_in'])) delete body['expires_in'];
  if (idToken === 'ignore') delete body['id_token'];
  const failed = typeof body['error'] === 'string' && body['access_token'] === undefined;
  const status = failed && response.status === 200 ? 400 : response.status;
  return new Response(JSON.stringify(body), { status, headers });
}

function isLifetime(seconds: unknown): boolean {
  const number = typeof seconds === 'string' ? Number.parseFloat(seconds) : seconds;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0;
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // not JSON: whoever reads the response says so
  }
}
