import { type DynamicModule, Module } from '@nestjs/common';
import {
  JwtVerifier,
  LmdbStore,
  MultiAuthModule,
  OAuthProxy,
  OidcUpstream,
} from 'nestjs-mcp-multi-auth';
import { McpController } from './mcp.controller.js';

export interface AppSettings {
  /** The public URL of this app. */
  readonly baseUrl: string;
  readonly dataFolder: string;
  readonly identityProvider: {
    readonly issuer: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
  readonly machineIssuer: { readonly issuer: string; readonly jwksUri: string };
}

@Module({ controllers: [McpController] })
export class AppModule {
  static with({ baseUrl, dataFolder, ...others }: AppSettings): DynamicModule {
    const auth = MultiAuthModule.forRoot({
      baseUrl,
      resource: { url: '/mcp', displayName: 'The sample' },
      requiredScopes: ['mcp:use'],
      // People: MCP clients register here, and their users log in at the identity provider.
      server: new OAuthProxy({
        upstream: new OidcUpstream({
          ...others.identityProvider,
          scopes: ['openid', 'profile', 'email'],
          embedClaims: ['name', 'email'],
          // Asks at every login who it is, so that you can be alice and then bob.
          extraAuthorizeParams: { prompt: 'login' },
        }),
        // Away from localhost, `secrets: [process.env.AUTH_SECRET]` belongs here.
        storage: new LmdbStore({ path: dataFolder }),
        scopeDescriptions: { 'mcp:use': 'Use the tools of this server' },
      }),
      // Machines: tokens of the company's own issuer, made for this very MCP server.
      verifiers: new JwtVerifier({
        ...others.machineIssuer,
        audience: `${baseUrl}/mcp`,
        name: 'machines',
      }),
    });
    return { module: AppModule, imports: [auth] };
  }
}
