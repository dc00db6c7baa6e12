import { createServer } from 'node:http';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import { kept, signingKey } from './kept.js';

export interface MachineIssuer {
  readonly issuer: string;
  readonly jwksUri: string;
  /** A token for a program that has no user, good for a day. */
  token(clientId: string, audience: string): Promise<string>;
}

/** Stands in for your company's own issuer of tokens for scripts and services. */
export async function startMachineIssuer(port: number, folder: string): Promise<MachineIssuer> {
  const issuer = `http://localhost:${port}`;
  const jwk = await kept(join(folder, 'machine-issuer.json'), () => signingKey('machines'));
  const { kty, n, e, kid, alg, use } = jwk;
  const jwks = JSON.stringify({ keys: [{ kty, n, e, kid, alg, use }] });
  const server = createServer((req, res) => {
    if (req.url !== '/jwks.json') return res.writeHead(404).end();
    return res.writeHead(200, { 'content-type': 'application/json' }).end(jwks);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const privateKey = await importJWK(jwk);
  return {
    issuer,
    jwksUri: `${issuer}/jwks.json`,
    token: (clientId, audience) =>
      new SignJWT({ client_id: clientId, scope: 'mcp:use' })
        .setProtectedHeader({ alg: 'RS256', kid: 'machines', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setSubject(clientId)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('1 day')
        .sign(privateKey),
  };
}
