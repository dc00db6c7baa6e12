import { All, Controller, type OnModuleDestroy, Req, Res } from '@nestjs/common';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import type { Request, Response } from 'express';
import { McpAuth } from 'nestjs-mcp-multi-auth';
import { z } from 'zod';
import { UsersService } from './users.service.js';

@Controller('mcp')
@McpAuth()
export class McpController implements OnModuleDestroy {
  readonly #mcp = createMcpHandler(() => this.#server());
  readonly #serve = toNodeHandler(this.#mcp);

  constructor(private readonly users: UsersService) {}

  @All()
  async handle(@Req() req: Request, @Res() res: Response): Promise<void> {
    await this.#serve(req, res, req.body);
  }

  async onModuleDestroy(): Promise<void> {
    await this.#mcp.close();
  }

  #server(): McpServer {
    const server = new McpServer({ name: 'notes', version: '1.0.0' });
    server.registerTool(
      'my_notes',
      { description: 'The notes of the user.', inputSchema: z.object({}) },
      async (_args, { http }) => {
        // The subject of the token is the id of the user: the guard has put it here.
        const user = this.users.find(String(http?.authInfo?.extra?.['subject']));
        const text = JSON.stringify({ name: user?.name, notes: user?.notes });
        return { content: [{ type: 'text', text }] };
      },
    );
    return server;
  }
}
