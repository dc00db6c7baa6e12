// Compiled, never run: one name for the token and for its decorator, and what MCP SDKs take.
import type { AuthInfo as AuthInfoV1 } from '@modelcontextprotocol/sdk/server/auth/types.js';
import type { AuthInfo as AuthInfoV2 } from '@modelcontextprotocol/server';
import { All, Controller, Get, Req } from '@nestjs/common';
import {
  AccessToken,
  type AuthInfo,
  McpAuth,
  RequireScopes,
  SkipMcpAuth,
  type VerifiedToken,
} from '../../lib/index.js';

interface AuthenticatedRequest {
  readonly user: AccessToken;
  readonly auth: AuthInfo;
}

@Controller('mcp')
@McpAuth({ resource: 'mcp', scopes: ['mcp:use'] })
export class McpController {
  /** With decorator metadata the type of a decorated parameter must be importable as a value. */
  @All()
  @RequireScopes('mcp:write', 'mcp:read')
  handle(
    @AccessToken() token: AccessToken,
    @AccessToken('subject') subject: string | undefined,
    @Req() request: AuthenticatedRequest,
  ): readonly [string, string | undefined, AuthInfoV1, AuthInfoV2] {
    return [token.source, subject, request.auth, request.auth];
  }

  @Get('open')
  @SkipMcpAuth()
  // @ts-expect-error a token has no such field
  open(@AccessToken('password') password: unknown): unknown {
    return password;
  }
}

export function userOf(request: AuthenticatedRequest): string {
  const { claims, scopes, ...token } = request.user;
  // @ts-expect-error nobody changes a token
  request.user.clientId = 'other';
  // @ts-expect-error nor its scopes
  scopes.push('mcp:admin');
  // @ts-expect-error a claim is unknown until it is looked at
  const name: string = claims['name'];
  return `${token.clientId} ${token.issuer ?? ''} ${name}`;
}

export const asVerified = (token: AccessToken): VerifiedToken => token;
// @ts-expect-error what a verifier says is not yet an accepted token
export const asAccepted = (token: VerifiedToken): AccessToken => token;

// @ts-expect-error options or scopes, not both
McpAuth({ resource: 'mcp' }, 'mcp:use');
// @ts-expect-error a scope is a text
RequireScopes(['mcp:use']);
