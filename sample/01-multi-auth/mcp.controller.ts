import { All, Controller, Logger, type OnModuleDestroy, Req, Res } from '@nestjs/common';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { type AuthInfo, createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import type { Request, Response } from 'express';
import { AccessToken, McpAuth } from 'nestjs-mcp-multi-auth';
import { z } from 'zod';

@Controller('mcp')
@McpAuth()
export class McpController implements OnModuleDestroy {
  readonly #logger = new Logger('MCP');
  readonly #mcp = createMcpHandler(() => createServer());
  readonly #serve = toNodeHandler(this.#mcp);

  @All()
  async handle(
    @AccessToken() token: AccessToken,
    @Req() req: Request,
    @Res() res: Response,
  ): Promise<void> {
    this.#logger.log(`${req.method} by ${token.subject}, let in by ${token.source}`);
    await this.#serve(req, res, req.body);
  }

  async onModuleDestroy(): Promise<void> {
    await this.#mcp.close();
  }
}

function createServer(): McpServer {
  const server = new McpServer({ name: 'multi-auth-sample', version: '1.0.0' });
  server.registerTool(
    'whoami',
    { description: 'Says who is calling.', inputSchema: z.object({}) },
    async (_args, { http }) => answer(JSON.stringify(identity(http?.authInfo))),
  );
  server.registerTool(
    'add',
    { description: 'Adds two numbers.', inputSchema: z.object({ a: z.number(), b: z.number() }) },
    async ({ a, b }) => answer(String(a + b)),
  );
  return server;
}

/** What the accepted token says: the guard puts it on `req.auth`, where the SDK finds it. */
function identity(auth: AuthInfo | undefined): object {
  const { subject, issuer, source, claims } = (auth?.extra ?? {}) as Partial<AccessToken>;
  const { name, email } = claims ?? {};
  return { subject, issuer, source, clientId: auth?.clientId, scopes: auth?.scopes, name, email };
}

function answer(text: string): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text }] };
}
