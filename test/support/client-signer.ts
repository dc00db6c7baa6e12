import { KeyObject, randomUUID, sign } from 'node:crypto';
import { type FakeIssuerKey, fakeIssuerKey } from './fake-issuer.js';

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What an assertion says beside the usual; a member that is undefined is left out. */
export type Changes = Readonly<Record<string, unknown>>;

const digests: Readonly<Record<string, string>> = {
  '256': 'sha256',
  '384': 'sha384',
  '512': 'sha512',
};

/** A client that proves who it is by assertions (RFC 7523), well-formed ones or not. */
export class ClientSigner {
  static async create(algorithm = 'ES256', kid = 'client-key'): Promise<ClientSigner> {
    return new ClientSigner(await fakeIssuerKey(kid, algorithm));
  }

  /** In seconds; a manual clock's, where the app has one. */
  now = (): number => Math.floor(Date.now() / 1000);

  constructor(readonly key: FakeIssuerKey) {}

  get jwks(): { keys: FakeIssuerKey['publicJwk'][] } {
    return { keys: [this.key.publicJwk] };
  }

  /** An assertion that everything is right with, but for the changes. */
  assertion(
    clientId: string,
    audience: string,
    claims: Changes = {},
    header: Changes = {},
  ): string {
    const now = this.now();
    return this.signed(
      { alg: this.key.algorithm, kid: this.key.kid, ...header },
      {
        iss: clientId,
        sub: clientId,
        aud: audience,
        jti: randomUUID(),
        iat: now,
        exp: now + 60,
        ...claims,
      },
    );
  }

  /** The same as form parameters. */
  proof(clientId: string, audience: string, claims?: Changes, header?: Changes) {
    return {
      client_assertion_type: assertionType,
      client_assertion: this.assertion(clientId, audience, claims, header),
    };
  }

  /** Signs a header and a payload as they are; texts are taken literally. */
  signed(header: unknown, payload: unknown): string {
    const input = [header, payload]
      .map((part) => (typeof part === 'string' ? part : JSON.stringify(part)))
      .map((text) => Buffer.from(text).toString('base64url'))
      .join('.');
    return `${input}.${this.#signature(input).toString('base64url')}`;
  }

  #signature(input: string): Buffer {
    const { algorithm, privateKey } = this.key;
    const key = KeyObject.from(privateKey);
    const digest = digests[algorithm.slice(2)];
    if (digest === undefined) return sign(null, Buffer.from(input), key);
    // RFC 7518 §3.4 and §3.5: fixed-length ECDSA signatures, salts as long as the hash.
    return sign(digest, Buffer.from(input), {
      key,
      dsaEncoding: 'ieee-p1363',
      ...(algorithm.startsWith('PS') && { padding: 6, saltLength: -1 }),
    });
  }
}
