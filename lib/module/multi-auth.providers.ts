import type { Provider } from '@nestjs/common';
import passport from 'passport';
import { Clock, SystemClock } from '../common/clock.js';
import { MultiAuthEvents } from '../common/events.js';
import { OAuthProxy } from '../oauth-proxy/oauth-proxy.js';
import { UpstreamTokens } from '../oauth-proxy/tokens/upstream-tokens.js';
import { McpAuthGuard } from '../resource-server/mcp-auth.guard.js';
import { McpBearerStrategy } from '../resource-server/mcp-bearer.strategy.js';
import { ResourceServer } from '../resource-server/resource-server.js';
import { logEvents } from './event-log.providers.js';
import { MultiAuthRuntime } from './multi-auth-runtime.js';
import { MultiAuthService } from './multi-auth-service.js';
import type { MultiAuthOptions } from './multi-auth-options.js';
import { MODULE_OPTIONS_TOKEN } from './multi-auth.module-definition.js';
import { resolveOptions } from './resolve-options.js';
import { RUNTIME } from './tokens.providers.js';

/** What Nest knows of a module: what an app may inject, and the runtime it all comes from. */
export const multiAuthProviders: Provider[] = [
  { provide: Clock, useClass: SystemClock },
  {
    provide: MultiAuthEvents,
    useFactory: (): MultiAuthEvents => {
      const events = new MultiAuthEvents();
      logEvents(events);
      return events;
    },
  },
  {
    provide: RUNTIME,
    inject: [MODULE_OPTIONS_TOKEN, MultiAuthEvents, Clock],
    useFactory: (options: MultiAuthOptions, events: MultiAuthEvents, clock: Clock) =>
      MultiAuthRuntime.start(resolveOptions(options), events, clock),
  },
  {
    provide: ResourceServer,
    inject: [RUNTIME],
    useFactory: (runtime: MultiAuthRuntime) => runtime.resourceServer,
  },
  {
    provide: MultiAuthService,
    inject: [RUNTIME],
    useFactory: (runtime: MultiAuthRuntime) => new MultiAuthService(runtime),
  },
  {
    provide: UpstreamTokens,
    inject: [RUNTIME],
    useFactory: ({ options: { provider } }: MultiAuthRuntime) =>
      provider instanceof OAuthProxy ? provider.upstreamTokens : new UpstreamTokens(),
  },
  {
    provide: McpBearerStrategy,
    useFactory: (): McpBearerStrategy => {
      const strategy = new McpBearerStrategy();
      // For `AuthGuard('mcp-bearer')`. The registry is the process's, the strategy holds nothing.
      passport.use(strategy as unknown as passport.Strategy);
      return strategy;
    },
  },
  McpAuthGuard,
];

/** A guard named in `@McpAuth()` is made in the module of the controller, which needs all of these. */
export const multiAuthExports = [
  McpAuthGuard,
  McpBearerStrategy,
  MultiAuthEvents,
  MultiAuthService,
  ResourceServer,
  UpstreamTokens,
];
