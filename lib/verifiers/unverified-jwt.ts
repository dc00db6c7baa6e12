/** The two readable parts of a JWT of which nothing was verified: a hint, never a fact. */
export interface UnverifiedJwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Reads a compact JWS as JSON without verifying it; undefined for everything else. */
export function readUnverifiedJwt(token: string): UnverifiedJwt | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  const header = readObject(parts[0]);
  const claims = header && readObject(parts[1]);
  return header && claims ? { header, claims } : undefined;
}

function readObject(part: string | undefined): Record<string, unknown> | undefined {
  if (!part) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
