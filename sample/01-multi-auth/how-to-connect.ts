/** What the sample prints when it is ready. */
export function howToConnect(url: string, machineToken: string): string {
  const server = { mcpServers: { 'multi-auth': { url } } };
  const bridged = {
    mcpServers: { 'multi-auth': { command: 'npx', args: ['-y', 'mcp-remote', url] } },
  };
  const call = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'whoami', arguments: {} },
  };
  return `
The MCP server is at ${url}

Connect a client; it opens the browser, where you log in as alice or bob:

  Claude Code     claude mcp add --transport http multi-auth ${url}
                  then /mcp and "Authenticate"
  Cursor          in .cursor/mcp.json:
                  ${JSON.stringify(server)}
  MCP Inspector   npx @modelcontextprotocol/inspector
                  then "Streamable HTTP", ${url}, "Connect"
  mcp-remote      npx -y -p mcp-remote mcp-remote-client ${url}
                  or, for clients that can only start programs:
                  ${JSON.stringify(bridged)}

Call a tool as a machine, with a token of another issuer that is good for a day:

curl -sS ${url} \\
  -H 'Authorization: Bearer ${machineToken}' \\
  -H 'Content-Type: application/json' \\
  -H 'Accept: application/json, text/event-stream' \\
  -d '${JSON.stringify(call)}'

Stop with Ctrl+C. Registrations and logins are kept: clients go on working after a restart.
`;
}
