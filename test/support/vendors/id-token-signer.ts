import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** The signing key of a vendor's OpenID provider. */
export class IdTokenSigner {
  static async create(kid: string): Promise<IdTokenSigner> {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
    return new IdTokenSigner(privateKey, jwk);
  }

  private constructor(
    private readonly key: CryptoKey,
    private readonly jwk: JWK,
  ) {}

  get jwks(): { readonly keys: readonly JWK[] } {
    return { keys: [this.jwk] };
  }

  /** Signs the claims; `iat` and `exp` are those of an hour from now, unless they are among them. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string> {
    // Libraries judge an id_token by the machine's own clock.
    const now = Math.floor(Date.now() / 1000);
    const given = Object.entries({ iat: now, exp: now + 3600, ...claims });
    return new SignJWT(Object.fromEntries(given.filter(([, value]) => value !== undefined)))
      .setProtectedHeader({ alg: 'RS256', kid: String(this.jwk.kid), typ: 'JWT' })
      .sign(this.key);
  }
}
