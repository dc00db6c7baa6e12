/**
 * What to do with an id_token that comes along: have it validated with the answer, drop it, or keep
 * it from that validation for `idTokenSetAside`.
 */
export type IdTokenUse = 'validate' | 'ignore' | 'set aside';

const setAside = 'set_aside_id_token';

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
  delete body[setAside];
  if (idToken === 'set aside' && typeof body['id_token'] === 'string') {
    body[setAside] = body['id_token'];
  }
  if (idToken !== 'validate') delete body['id_token'];
  const failed = typeof body['error'] === 'string' && body['access_token'] === undefined;
  const status = failed && response.status === 200 ? 400 : response.status;
  return new Response(JSON.stringify(body), { status, headers });
}

/** The id_token that came with an answer and that nobody has looked at. */
export function idTokenSetAside(response: Readonly<Record<string, unknown>>): string | undefined {
  const idToken = response[setAside];
  return typeof idToken === 'string' ? idToken : undefined;
}

/** The members of an answer; none when it is not JSON. */
export async function bodyOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  return readObject(await response.text()) ?? {};
}

/** Tokens to be revoked, those that there are. */
export interface RevocableTokens {
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
}

/** The tokens of an answer that nobody has looked at. */
export function revocableTokens(response: object): RevocableTokens {
  const { refresh_token: refreshToken, access_token: accessToken } = response as {
    refresh_token?: unknown;
    access_token?: unknown;
  };
  return {
    ...(typeof accessToken === 'string' && { accessToken }),
    ...(typeof refreshToken === 'string' && { refreshToken }),
  };
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
