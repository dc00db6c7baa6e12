import { type DynamicModule, Module } from '@nestjs/common';
import { LmdbStore, LocalAuthProvider, MultiAuthModule } from 'nestjs-mcp-multi-auth';
import { AppLogin } from './app-login.js';
import { LoginController } from './login.controller.js';
import { McpController } from './mcp.controller.js';
import { UsersModule } from './users.module.js';

export interface AppSettings {
  /** The public URL of this app. */
  readonly baseUrl: string;
  readonly dataFolder: string;
}

@Module({ imports: [UsersModule], controllers: [LoginController, McpController] })
export class AppModule {
  static with({ baseUrl, dataFolder }: AppSettings): DynamicModule {
    const auth = MultiAuthModule.forRootAsync({
      imports: [UsersModule],
      inject: [AppLogin],
      useFactory: (login: AppLogin) => ({
        baseUrl,
        resource: { url: '/mcp', displayName: 'The notes' },
        requiredScopes: ['notes:read'],
        server: new LocalAuthProvider({
          login,
          // Away from localhost, `secrets: [process.env.AUTH_SECRET]` belongs here.
          storage: new LmdbStore({ path: dataFolder }),
          scopeDescriptions: { 'notes:read': 'Read your notes' },
        }),
      }),
    });
    return { module: AppModule, imports: [auth] };
  }
}
