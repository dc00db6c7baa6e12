// Compiled, never run: what `forRootAsync` infers.
import { Injectable, Module } from '@nestjs/common';
import {
  MultiAuthModule,
  type MultiAuthOptions,
  type MultiAuthOptionsFactory,
  type TokenVerifier,
} from '../../lib/index.js';

const verifier: TokenVerifier = { verifyToken: () => null };

@Injectable()
class Settings implements MultiAuthOptionsFactory {
  readonly issuer = 'https://a.example';

  createMultiAuthOptions(): MultiAuthOptions {
    return { verifiers: verifier };
  }
}

@Injectable()
class NoFactory {
  options(): MultiAuthOptions {
    return { verifiers: verifier };
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

MultiAuthModule.forRootAsync({ useFactory: () => ({ verifiers: [verifier] }) });
MultiAuthModule.forRootAsync({ useFactory: async () => ({ verifiers: [verifier] }) });
MultiAuthModule.forRootAsync({
  imports: [SettingsModule],
  inject: [Settings],
  isGlobal: true,
  useFactory: (settings: Settings) => ({ baseUrl: settings.issuer, verifiers: verifier }),
});
MultiAuthModule.forRootAsync({ useClass: Settings });
MultiAuthModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings });

// @ts-expect-error the class makes no options
MultiAuthModule.forRootAsync({ useClass: NoFactory });
// @ts-expect-error the factory returns no options
MultiAuthModule.forRootAsync({ useFactory: () => ({ verifiers: 'none' }) });
