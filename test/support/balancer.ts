import { createServer, request as httpRequest, type Server } from 'node:http';

/** Sends each request to the next of several instances, as a balancer without sticky sessions does. */
export class Balancer {
  /** Which instance got each request, with its path. */
  readonly served: { readonly port: number; readonly path: string }[] = [];
  #next = 0;

  private constructor(private readonly server: Server) {}

  static async start(port: number, ports: readonly number[]): Promise<Balancer> {
    const server = createServer();
    const balancer = new Balancer(server);
    server.on('request', (req, res) => {
      const target = ports[balancer.#next++ % ports.length] ?? 0;
      balancer.served.push({ port: target, path: (req.url ?? '').split('?')[0] ?? '' });
      const { method, url: path, headers } = req;
      const onward = httpRequest({ host: '127.0.0.1', port: target, method, path, headers });
      onward.on('response', (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(res);
      });
      onward.on('error', () => res.destroy());
      req.pipe(onward);
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return balancer;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
