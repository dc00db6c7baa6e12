import { describe, expect, it } from '@jest/globals';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';

import { ConfigurationError } from '../common/errors.js';
import { operationOf } from './auth-operation.js';
import { McpAuth, RequireScopes, SkipMcpAuth } from './mcp-auth.decorator.js';
import { McpAuthGuard } from './mcp-auth.guard.js';

@McpAuth('base')
class Files {
  list(): void {}

  @RequireScopes('read')
  read(): void {}

  @McpAuth({ resource: 'vault', scopes: ['write'] })
  @RequireScopes('read', 'base')
  write(): void {}

  @SkipMcpAuth()
  health(): void {}
}

@McpAuth('more')
class MoreFiles extends Files {}

@SkipMcpAuth()
class Open {
  anyone(): void {}

  @McpAuth('read')
  someone(): void {}
}

@McpAuth('admin')
class Closed extends Open {
  own(): void {}
}

class StillOpen extends Open {}

const handlerOf = (type: new () => object, name: string): object =>
  (type.prototype as Record<string, object>)[name] ?? {};

const of = (type: new () => object, name: string) => operationOf(type, handlerOf(type, name));

describe('operationOf', () => {
  it('does not let a base class open a derived one that asks for a token', () => {
    expect(of(Closed, 'anyone')).toMatchObject({ skipped: false, scopes: ['admin'] });
    expect(of(Closed, 'own')).toMatchObject({ skipped: false, scopes: ['admin'] });
    expect(of(Open, 'anyone').skipped).toBe(true);
    expect(of(StillOpen, 'anyone').skipped).toBe(true);
  });

  it.each([
    ['asked for, then skipped', [SkipMcpAuth(), McpAuth()]],
    ['skipped, then asked for', [McpAuth(), SkipMcpAuth()]],
  ])('refuses a target that is both: %s', (_what, decorators) => {
    class Both {}
    const decorate = () => decorators.forEach((decorator) => decorator(Both));
    expect(decorate).toThrow(ConfigurationError);
  });

  it.each([[['admin']], { scope: ['admin'] }])(
    'refuses %j, which would ask for nothing',
    (options) => {
      expect(() => McpAuth(options as never)).toThrow(ConfigurationError);
    },
  );

  it('joins the scopes of class and handler', () => {
    expect(of(Files, 'list').scopes).toEqual(['base']);
    expect(of(Files, 'read').scopes).toEqual(['base', 'read']);
    expect(of(Files, 'write')).toEqual({
      skipped: false,
      resourceName: 'vault',
      scopes: ['base', 'read', 'write'],
    });
  });

  it('adds what a derived class asks for to what its base class does', () => {
    expect(of(MoreFiles, 'read').scopes).toEqual(['base', 'more', 'read']);
    expect(of(Files, 'read').scopes).toEqual(['base', 'read']);
  });

  it('skips a handler only where it says so, and never one that asks for a token', () => {
    expect(of(Files, 'health').skipped).toBe(true);
    expect(of(Files, 'list').skipped).toBe(false);
    expect(of(Open, 'anyone').skipped).toBe(true);
    expect(of(Open, 'someone').skipped).toBe(false);
  });

  it('is read once', () => {
    expect(of(Files, 'read')).toBe(of(Files, 'read'));
  });
});

describe('McpAuth', () => {
  it('names the guard on class and handler', () => {
    expect(Reflect.getMetadata(GUARDS_METADATA, Files)).toEqual([McpAuthGuard]);
    expect(Reflect.getMetadata(GUARDS_METADATA, handlerOf(Files, 'write'))).toEqual([McpAuthGuard]);
  });

  it('tells MCP-Nest the scopes of a handler', () => {
    expect(Reflect.getMetadata('mcp:scopes', handlerOf(Files, 'write'))).toEqual(
      expect.arrayContaining(['read', 'base', 'write']),
    );
    expect(Reflect.getMetadata('mcp:scopes', Files)).toBeUndefined();
  });

  it.each(['read write', '', 'a"b', 'a\\b'])('refuses %j, which is not one scope', (scope) => {
    expect(() => McpAuth(scope)(class {})).toThrow(ConfigurationError);
    expect(() => RequireScopes(scope)(class {})).toThrow(ConfigurationError);
  });
});
