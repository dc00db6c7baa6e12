import { ConfigurableModuleBuilder } from '@nestjs/common';
import { endpointsControllerFor } from './endpoints.controller.js';
import type { MultiAuthModuleExtras, MultiAuthOptions } from './multi-auth-options.js';
import { ENDPOINTS_CONTROLLER } from './tokens.providers.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<MultiAuthOptions>({
    moduleName: 'MultiAuth',
    alwaysTransient: true,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createMultiAuthOptions')
    .setExtras<MultiAuthModuleExtras>(
      { isGlobal: false, controllerDecorators: [] },
      (definition, extras) => {
        const decorators = extras.controllerDecorators ?? [];
        const controller = endpointsControllerFor(decorators);
        const isGlobal = extras.isGlobal ?? false;
        return {
          ...definition,
          global: isGlobal,
          controllers: [controller],
          providers: [
            ...(definition.providers ?? []),
            {
              provide: ENDPOINTS_CONTROLLER,
              useValue: { controller, decorated: decorators.length > 0, isGlobal },
            },
          ],
        };
      },
    )
    .build();
