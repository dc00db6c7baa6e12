/** The part of oidc-provider that the tests and samples use; the package ships no types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

  export interface ProviderContext {
    readonly req: IncomingMessage;
    readonly oidc?: {
      readonly body?: Readonly<Record<string, string>>;
      readonly params?: Readonly<Record<string, string>>;
      readonly client?: object;
    };
    status: number;
    body: unknown;
  }

  type ProviderMiddleware = (ctx: ProviderContext, next: () => Promise<void>) => Promise<void>;

  interface ProviderToken {
    readonly accountId: string;
    readonly grantId: string;
    save(): Promise<string>;
  }

  export interface ProviderAdapter {
    upsert(id: string, payload: Record<string, unknown>, expiresIn?: number): Promise<void>;
    find(id: string): Promise<Record<string, unknown> | undefined>;
    findByUid(uid: string): Promise<Record<string, unknown> | undefined>;
    findByUserCode(userCode: string): Promise<Record<string, unknown> | undefined>;
    consume(id: string): Promise<void>;
    destroy(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
  }

  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    readonly AccessToken: {
      new (members: Readonly<Record<string, unknown>>): ProviderToken;
      find(value: string): Promise<ProviderToken | undefined>;
    };
    use(middleware: ProviderMiddleware): void;
    registerGrantType(
      name: string,
      handler: (ctx: ProviderContext) => Promise<void>,
      parameters: readonly string[],
    ): void;
    callback(): RequestListener;
    interactionFinished(
      req: IncomingMessage,
      res: ServerResponse,
      result: Readonly<Record<string, unknown>>,
    ): Promise<void>;
    on(event: string, listener: (...args: readonly unknown[]) => void): this;
  }
}
