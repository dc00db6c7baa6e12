import { Controller, Get, Post } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platforms } from '../../support/app.js';
import { baseUrl, knows, startApp, type TestedApp, WhoController } from './support.js';

/** An app that has an authorization server of its own making. */
@Controller()
class OwnAuthorizationController {
  @Post('register')
  register(): object {
    return { own: 'register' };
  }

  @Post('token')
  token(): object {
    return { own: 'token' };
  }

  @Get('.well-known/oauth-protected-resource')
  document(): object {
    return { own: 'document' };
  }
}

// Verifiers alone own no route and publish nothing, with or without a base URL.
describe.each(platforms)('verifiers alone on %s', (platform) => {
  describe.each([{ baseUrl }, {}])('with the URLs %p', (urls) => {
    let app: TestedApp;

    beforeAll(async () => {
      app = await startApp({
        platform,
        options: { ...urls, verifiers: knows('known'), requiredScopes: [] },
        controllers: [WhoController, OwnAuthorizationController],
      });
    });

    afterAll(() => app.close());

    it('leave the paths of OAuth to the app', async () => {
      expect((await app.postJson('/register', {})).json).toEqual({ own: 'register' });
      expect((await app.postForm('/token', {})).json).toEqual({ own: 'token' });
      const document = await app.request('/.well-known/oauth-protected-resource');
      expect(document.json).toEqual({ own: 'document' });
    });

    it('serve nothing', async () => {
      for (const path of [
        '/authorize',
        '/consent',
        '/auth/callback',
        '/revoke',
        '/jwks',
        '/.well-known/oauth-authorization-server',
        '/.well-known/openid-configuration',
        '/.well-known/oauth-protected-resource/mcp',
      ]) {
        expect((await app.request(path)).status).toBe(404);
        expect((await app.request(path, { method: 'POST' })).status).toBe(404);
      }
    });

    it('leave errors of the body parser to the app', async () => {
      const answer = await app.request('/register', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{',
      });
      expect(answer).toMatchObject({ status: 400, json: { statusCode: 400 } });
    });

    it('challenge without naming a document that nobody serves', async () => {
      for (const answer of [await app.request('/mcp'), await app.call('/mcp', 'other')]) {
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
        expect(answer.headers.get('www-authenticate')).not.toContain('resource_metadata');
      }
      expect((await app.call('/mcp', 'known')).status).toBe(200);
    });
  });
});
