import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LmdbStore } from 'nestjs-mcp-multi-auth';
import type { Provider } from 'oidc-provider';
import { IdentityProviderRecords } from './identity-provider-records.js';
import { kept, signingKey } from './kept.js';

export interface IdentityProviderOptions {
  readonly port: number;
  /** Where keys and logins are kept. */
  readonly folder: string;
  /** Where the app expects users back. */
  readonly redirectUri: string;
}

/** What an identity provider gives you when you register your app with it. */
export interface AppRegistration {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const users: Readonly<Record<string, { readonly name: string; readonly email: string }>> = {
  alice: { name: 'Alice Archer', email: 'alice@example.com' },
  bob: { name: 'Bob Builder', email: 'bob@example.com' },
};

/**
 * Stands in for GitHub, Entra or Keycloak: an OpenID provider that knows the app as its one client,
 * and the users alice and bob, who need no password.
 */
export async function startIdentityProvider(
  options: IdentityProviderOptions,
): Promise<AppRegistration> {
  // Another host than the app's, as in real life: browsers then share no cookies between the two.
  const issuer = `http://localhost:${options.port}`;
  const secrets = await kept(join(options.folder, 'identity-provider.json'), async () => ({
    jwks: { keys: [await signingKey('identity-provider')] },
    cookieKey: randomBytes(32).toString('base64url'),
    clientSecret: randomBytes(32).toString('base64url'),
  }));
  const client = { clientId: 'nest-app', clientSecret: secrets.clientSecret };
  const store = new LmdbStore({ path: join(options.folder, 'identity-provider') });
  const ProviderClass = await loadProvider();
  const provider = new ProviderClass(issuer, {
    adapter: (model: string) => new IdentityProviderRecords(store, model),
    jwks: secrets.jwks,
    cookies: { keys: [secrets.cookieKey] },
    clients: [
      {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        redirect_uris: [options.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    claims: { profile: ['name'], email: ['email'] },
    conformIdTokenClaims: false,
    findAccount: (_ctx: unknown, sub: string) =>
      users[sub] && { accountId: sub, claims: () => ({ sub, ...users[sub] }) },
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    loadExistingGrant: grantEverything,
    interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/login/${uid}` },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    ttl: {
      AccessToken: 3600,
      Grant: 30 * 86_400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 30 * 86_400,
      Session: 86_400,
    },
  });
  const serve = provider.callback();
  const server = createServer((req, res) => {
    if (req.url?.startsWith('/login/')) void login(provider, req, res);
    else serve(req, res);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, '127.0.0.1', resolve);
  });
  return { issuer, ...client };
}

/** The login page, and its answer. */
async function login(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    const accountId =
      req.method === 'POST' ? new URLSearchParams(await text(req)).get('login') : null;
    if (accountId !== null && Object.hasOwn(users, accountId)) {
      return await provider.interactionFinished(req, res, { login: { accountId } });
    }
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(loginPage);
  } catch (error) {
    console.error('The login at the identity provider failed:', error);
    res.writeHead(400, { 'content-type': 'text/plain' }).end('This login is over. Begin again.');
  }
}

const loginPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Who are you?</title>
<style>body { font: 1.2rem system-ui; margin: 20vh auto; width: max-content }
button { display: block; font: inherit; margin: 1rem 0; padding: .6rem 2rem; width: 100% }</style>
<h1>Who are you?</h1><form method="post">${Object.entries(users)
  .map(([login, { name }]) => `<button name="login" value="${login}">${name}</button>`)
  .join('')}</form>
<p>The identity provider of the sample: no password is needed.</p></html>`;

/** The app is the provider's own: its users are not asked a second time. */
async function grantEverything(ctx: GrantContext): Promise<Grant> {
  const { client, session, provider } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid profile email');
  await grant.save();
  return grant;
}

interface Grant {
  addOIDCScope(scope: string): void;
  save(): Promise<string>;
}

interface GrantContext {
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly session: { readonly accountId: string };
    readonly provider: { readonly Grant: new (of: object) => Grant };
  };
}

/** oidc-provider greets Node 20 with a warning, which the reader of the sample does not need. */
async function loadProvider(): Promise<typeof Provider> {
  const { warn } = console;
  console.warn = () => {};
  try {
    return (await import('oidc-provider')).Provider;
  } finally {
    console.warn = warn;
  }
}
