import {
  AuthProvider,
  type AuthProviderHost,
  type EndpointRoute,
  type TokenVerifier,
  type VerificationContext,
  type VerifiedToken,
} from '../../lib/index.js';

/** What a source knows: tokens and what they say; `clientId` is the source's name by default. */
export type TokenTable = Readonly<Record<string, Partial<VerifiedToken>>>;

export interface FakeSourceOptions {
  readonly name: string;
  readonly tokens?: TokenTable;
  readonly requiredScopes?: readonly string[];
  /** Put before each scope it is asked to translate for a challenge. */
  readonly scopePrefix?: string;
  /** It throws whatever it is asked. */
  readonly broken?: boolean;
  /** It answers with a promise. */
  readonly waits?: boolean;
}

/** One question a source was asked. */
export interface Asked {
  readonly token: string;
  readonly resource: string;
}

/** A verifier that knows a few tokens, as a user of the library would write one. */
export class FakeVerifier implements TokenVerifier {
  readonly name: string;
  readonly requiredScopes: readonly string[];
  /** Every token it was offered, and where. */
  readonly asked: Asked[] = [];

  constructor(private readonly options: FakeSourceOptions) {
    this.name = options.name;
    this.requiredScopes = options.requiredScopes ?? [];
  }

  verifyToken(
    token: string,
    context: VerificationContext,
  ): VerifiedToken | null | Promise<VerifiedToken | null> {
    this.asked.push({ token, resource: context.resource });
    if (this.options.broken) throw new Error(`${this.name} is out of order`);
    const answer = lookUp(this.options, token);
    return this.options.waits ? new Promise((go) => setImmediate(() => go(answer))) : answer;
  }

  challengeScopes(scopes: readonly string[]): readonly string[] {
    return prefixed(this.options, scopes);
  }
}

export interface FakeServerOptions extends FakeSourceOptions {
  /** The issuer to advertise. @default the module's `baseUrl`; null: none */
  readonly issuer?: string | null;
  /** The scopes to advertise. @default those the resource requires */
  readonly supported?: readonly string[];
  /** Paths below the base URL, each of which answers a JSON document. */
  readonly documents?: readonly string[];
}

/** An auth provider that owns routes and metadata. */
export class FakeServer extends AuthProvider {
  override readonly name: string;
  override readonly requiredScopes?: readonly string[];
  readonly asked: Asked[] = [];
  starts = 0;
  stops = 0;
  #host: AuthProviderHost | undefined;

  constructor(private readonly options: FakeServerOptions) {
    super();
    this.name = options.name;
    if (options.requiredScopes) this.requiredScopes = options.requiredScopes;
    if (options.supported) this.scopesSupported = () => options.supported ?? [];
  }

  override scopesSupported?: () => readonly string[];

  /** What the module told it. */
  get host(): AuthProviderHost {
    if (!this.#host) throw new Error('The server was not started.');
    return this.#host;
  }

  override start(host: AuthProviderHost): void {
    this.starts++;
    this.#host = host;
  }

  override stop(): void {
    this.stops++;
  }

  override authorizationServers(): readonly string[] {
    const { issuer } = this.options;
    return issuer === null ? [] : [issuer ?? this.host.baseUrl];
  }

  override routes(): readonly EndpointRoute[] {
    return (this.options.documents ?? []).map((path) => this.#document(path));
  }

  override challengeScopes(scopes: readonly string[]): readonly string[] {
    return prefixed(this.options, scopes);
  }

  verifyToken(token: string, context: VerificationContext): VerifiedToken | null {
    this.asked.push({ token, resource: context.resource });
    if (this.options.broken) throw new Error(`${this.name} is out of order`);
    return lookUp(this.options, token);
  }

  #document(path: string): EndpointRoute {
    const base = new URL(this.host.baseUrl).pathname.replace(/\/$/, '');
    const body = { served_by: this.name };
    return {
      path: base + path,
      methods: { GET: { handle: async () => ({ kind: 'json', status: 200, body }) } },
      cors: 'any',
      audience: 'client',
    };
  }
}

// What a source requires is for the library to enforce, so that a forgetful one lets nobody in.
function lookUp({ name, tokens }: FakeSourceOptions, token: string): VerifiedToken | null {
  const known = tokens?.[token];
  return known ? { clientId: name, scopes: [], ...known } : null;
}

function prefixed({ scopePrefix }: FakeSourceOptions, scopes: readonly string[]): string[] {
  return scopes.map((scope) => `${scopePrefix ?? ''}${scope}`);
}
