import { type DynamicModule, Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Clock,
  McpAuthGuard,
  MultiAuthEvents,
  MultiAuthModule,
  type MultiAuthOptions,
  type MultiAuthOptionsFactory,
  MultiAuthService,
  type TokenVerifier,
  type VerifiedToken,
} from '../../../lib/index.js';
import { moduleOf } from '../../support/app.js';
import { ManualClock } from '../../support/manual-clock.js';
import { closeApps, knows, startApp, type TestedApp, WhoController } from './support.js';

@Injectable()
class Settings {
  readonly token = 'from-settings';
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class AuthSettings implements MultiAuthOptionsFactory {
  constructor(@Inject(Settings) private readonly settings: Settings) {}

  createMultiAuthOptions(): MultiAuthOptions {
    return { verifiers: knows(this.settings.token) };
  }
}

@Module({ imports: [SettingsModule], providers: [AuthSettings], exports: [AuthSettings] })
class AuthSettingsModule {}

let app: TestedApp;

afterEach(closeApps);

async function statuses(running: TestedApp, token: string): Promise<readonly number[]> {
  const answers = [await running.call('/mcp', token), await running.request('/mcp')];
  return answers.map((answer) => answer.status);
}

describe('the ways to register the module', () => {
  it.each<[string, () => DynamicModule]>([
    ['forRoot', () => MultiAuthModule.forRoot({ verifiers: knows('from-settings') })],
    [
      'forRootAsync with a factory',
      () =>
        MultiAuthModule.forRootAsync({ useFactory: () => ({ verifiers: knows('from-settings') }) }),
    ],
    [
      'forRootAsync with a factory that waits and is injected into',
      () =>
        MultiAuthModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: async (settings: Settings) => ({ verifiers: knows(settings.token) }),
        }),
    ],
    [
      'forRootAsync with a class',
      () => MultiAuthModule.forRootAsync({ imports: [SettingsModule], useClass: AuthSettings }),
    ],
    [
      'forRootAsync with an existing provider',
      () =>
        MultiAuthModule.forRootAsync({ imports: [AuthSettingsModule], useExisting: AuthSettings }),
    ],
  ])('%s protects the controllers', async (_way, register) => {
    app = await startApp({ imports: [register()] });
    expect(await statuses(app, 'from-settings')).toEqual([200, 401]);
  });

  it('a feature module that is not the root may import it', async () => {
    const feature = moduleOf({
      imports: [MultiAuthModule.forRoot({ verifiers: knows('known') })],
      controllers: [WhoController],
    });
    app = await startApp({ imports: [feature], controllers: [] });
    expect(await statuses(app, 'known')).toEqual([200, 401]);
  });

  it('isGlobal makes the guard known in modules that import nothing', async () => {
    const auth = { verifiers: knows('known') };
    @Module({ controllers: [WhoController] })
    class Feature {}
    app = await startApp({
      imports: [MultiAuthModule.forRoot({ ...auth, isGlobal: true }), Feature],
      controllers: [],
    });
    expect(await statuses(app, 'known')).toEqual([200, 401]);
  });

  it('without isGlobal a module that imports nothing does not boot', async () => {
    @Module({ controllers: [WhoController] })
    class Feature {}
    const imports = [MultiAuthModule.forRoot({ verifiers: knows('known') }), Feature];
    await expect(startApp({ imports, controllers: [] })).rejects.toThrow(/dependencies/);
  });

  it('one registration imported in several places is one', async () => {
    const auth = MultiAuthModule.forRoot({ verifiers: knows('known') });
    const features = [1, 2].map(() => moduleOf({ imports: [auth], controllers: [] }));
    app = await startApp({ imports: [auth, ...features] });
    expect(await statuses(app, 'known')).toEqual([200, 401]);
  });

  it('gives the app its service, its events and its guard to inject', async () => {
    app = await startApp({ options: { verifiers: knows('known') } });
    const seen: string[] = [];
    const events = app.app.get(MultiAuthEvents, { strict: false });
    events.on('token.accepted', ({ source }) => seen.push(source));
    expect(await statuses(app, 'known')).toEqual([200, 401]);
    expect(seen).toEqual(['verifier']);
    const service = app.app.get(MultiAuthService, { strict: false });
    expect(await service.verifyToken('known')).toMatchObject({ outcome: 'accepted' });
    // As the guard would: scopes count, and what is no bearer token is none.
    expect(await service.verifyToken('known', { scopes: ['admin'] })).toEqual({
      outcome: 'insufficient_scope',
      required: ['admin'],
    });
    expect(await service.verifyToken('no token')).toMatchObject({ outcome: 'rejected' });
    await expect(service.verifyToken('known', { resource: 'nowhere' })).rejects.toThrow(
      'nowhere is not a configured resource',
    );
    expect(app.app.get(McpAuthGuard, { strict: false })).toBeInstanceOf(McpAuthGuard);
  });
});

describe('a verifier of the user', () => {
  it.each<[string, TokenVerifier]>([
    ['that answers at once', { verifyToken: (t) => (t === 'known' ? ofUser : null) }],
    ['that answers later', { verifyToken: async (t) => (t === 'known' ? ofUser : null) }],
  ])('%s is all it takes', async (_kind, verifiers) => {
    app = await startApp({ options: { verifiers } });
    expect(await statuses(app, 'known')).toEqual([200, 401]);
    expect((await app.call('/mcp', 'other')).status).toBe(401);
  });
});

describe('the clock', () => {
  it('can be replaced by a testing module', async () => {
    const clock = new ManualClock(1_000_000_000);
    const verifiers: TokenVerifier = {
      verifyToken: () => ({ ...ofUser, expiresAt: 1_000_000_060 }),
    };
    const testing = await Test.createTestingModule({
      imports: [MultiAuthModule.forRoot({ verifiers })],
    })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    const service = testing.get(MultiAuthService, { strict: false });
    expect(await service.verifyToken('any')).toMatchObject({ outcome: 'accepted' });
    clock.advance(60);
    expect(await service.verifyToken('any')).toMatchObject({ outcome: 'rejected' });
    await testing.close();
  });
});

const ofUser: VerifiedToken = { clientId: 'client', scopes: [] };
