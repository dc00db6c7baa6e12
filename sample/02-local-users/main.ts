import 'reflect-metadata';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const { PORT = 3000 } = process.env;
const dataFolder = process.env['DATA_FOLDER'] ?? join(import.meta.dirname, '../.data');
const baseUrl = process.env['BASE_URL'] ?? `http://127.0.0.1:${PORT}`;

const app = await NestFactory.create(AppModule.with({ baseUrl, dataFolder }));
// MCP clients in browsers need to read these two.
app.enableCors({ exposedHeaders: ['WWW-Authenticate', 'Mcp-Session-Id'] });
app.enableShutdownHooks();
await app.listen(Number(PORT), '127.0.0.1');

console.log(`
The MCP server is at ${baseUrl}/mcp. Its users: alice (wonderland) and bob (builder).

  Claude Code     claude mcp add --transport http notes ${baseUrl}/mcp
                  then /mcp and "Authenticate"
  MCP Inspector   npx @modelcontextprotocol/inspector

Stop with Ctrl+C.
`);
