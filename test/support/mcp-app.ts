import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import type { NodeIncomingMessageLike } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server';
import { z } from 'zod';

export interface McpNodeHandler {
  /** Takes the request and response of Express, Fastify or Node, and the body parsed by the host. */
  handle(req: unknown, res: unknown, body?: unknown): Promise<void>;
  close(): Promise<void>;
}

export interface McpServerOptions {
  /** Adds a tool `admin` that asks for this scope through the SDK's own challenge. */
  readonly adminScope?: string;
}

/**
 * An MCP server for both protocol eras, without sessions. Its tools: `whoami` answers the JSON of
 * what the server knows about the caller (`AuthInfo`), `add` answers a sum.
 */
export function mcpNodeHandler(options: McpServerOptions = {}): McpNodeHandler {
  const handler = createMcpHandler(() => createMcpServer(options));
  const node = toNodeHandler(handler);
  return {
    async handle(req, res, body) {
      const raw = rawPair(req, res);
      await node(raw.req, raw.res, body);
    },
    close: async () => {
      await handler.close();
    },
  };
}

/**
 * The same server with the sessions of the 2025 protocol. It binds a session to nobody: who may
 * use one is for the guard in front of it to say.
 */
export function mcpSessionHandler(options: McpServerOptions = {}): McpNodeHandler {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  const begin = async (): Promise<NodeStreamableHTTPServerTransport> => {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await createMcpServer(options).connect(transport);
    return transport;
  };
  return {
    async handle(req, res, body) {
      const raw = rawPair(req, res);
      const id = raw.req.headers['mcp-session-id'];
      const known = typeof id === 'string' ? sessions.get(id) : undefined;
      if (id !== undefined && !known) raw.res.writeHead(404).end();
      else await (known ?? (await begin())).handleRequest(raw.req, raw.res, body);
    },
    close: async () => {
      await Promise.all([...sessions.values()].map((transport) => transport.close()));
    },
  };
}

export function createMcpServer({ adminScope }: McpServerOptions = {}): McpServer {
  const server = new McpServer({ name: 'test-server', version: '1.0.0' });
  server.registerTool(
    'whoami',
    { description: 'Says who calls.', inputSchema: z.object({}) },
    async (_args, ctx) => text(JSON.stringify(ctx.http?.authInfo ?? null)),
  );
  server.registerTool(
    'add',
    { description: 'Adds.', inputSchema: z.object({ a: z.number(), b: z.number() }) },
    async ({ a, b }) => text(String(a + b)),
  );
  if (adminScope !== undefined) {
    server.registerTool(
      'admin',
      {
        description: 'For administrators.',
        inputSchema: z.object({}),
        scopeChallenge: requireScopes(adminScope),
      },
      async () => text('done'),
    );
  }
  return server;
}

function text(value: string): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text: value }] };
}

interface FastifyReplyLike {
  readonly raw: ServerResponse;
  hijack(): void;
}

type RawRequest = IncomingMessage & NodeIncomingMessageLike;

/** Node's own request and response; a Fastify reply is taken away from Fastify. */
function rawPair(req: unknown, res: unknown): { req: RawRequest; res: ServerResponse } {
  const reply = res as Partial<FastifyReplyLike>;
  if (!reply.raw || !reply.hijack) return { req: req as RawRequest, res: res as ServerResponse };
  reply.hijack();
  return { req: (req as { raw: RawRequest }).raw, res: reply.raw };
}
