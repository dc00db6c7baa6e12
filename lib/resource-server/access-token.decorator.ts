import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';

import { ConfigurationError } from '../common/errors.js';
import type { AccessToken as AcceptedToken } from '../verifiers/access-token.js';
import { admissionOfContext } from './request-carrier.js';

/** The token that was accepted for a request. */
export type AccessToken = AcceptedToken;

/**
 * Injects the accepted token, or one field of it, into a handler's parameter: in HTTP controllers
 * and in handlers of MCP messages alike. A field the token does not have is undefined.
 * @throws ConfigurationError when no `McpAuthGuard` has admitted the request
 */
export const AccessToken: (field?: keyof AcceptedToken) => ParameterDecorator =
  createParamDecorator((field: keyof AcceptedToken | undefined, context: ExecutionContext) => {
    const token = admissionOfContext(context)?.token;
    if (token === undefined) {
      throw new ConfigurationError([
        {
          path: '@AccessToken()',
          problem: 'needs @McpAuth(), and no @SkipMcpAuth(), on the handler or its class',
        },
      ]);
    }
    return field === undefined ? token : token[field];
  });
