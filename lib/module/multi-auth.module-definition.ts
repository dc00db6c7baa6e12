import { ConfigurableModuleBuilder } from '@nestjs/common';
import { endpointsControllerFor } from './endpoints.controller.js';
import type { MultiAuthModuleExtras, MultiAuthOptions } from './multi-auth-options.js';
import { ENDPOINTS_CONTROLLER } from './tokens.providers.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<MultiAuthOptions>({ moduleName: 'MultiAuth' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createMultiAuthOptions')
    .setExtras<MultiAuthModuleExtras>(
      { isGlobal: false, controllerDecorators: [] },
      (definition, extras) => {
        const controller = endpointsControllerFor(extras.controllerDecorators ?? []);
        return {
          ...definition,
          global: extras.isGlobal ?? false,
          controllers: [controller],
          providers: [
            ...(definition.providers ?? []),
            {
              provide: ENDPOINTS_CONTROLLER,
              useValue: { controller, decorated: (extras.controllerDecorators ?? []).length > 0 },
            },
          ],
        };
      },
    )
    .build();
