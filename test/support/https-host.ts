import type { RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { AddressLookup } from '../../lib/http/outbound-lookup.js';
import {
  PublicOutboundClient,
  type PublicOutboundOptions,
} from '../../lib/http/public-outbound.js';
import { selfSigned } from './certificate.js';
import { eventually } from './eventually.js';

const NAME = 'good.test';
const certificate = selfSigned(NAME, '127.0.0.1');

/**
 * A host that plays one of the public Internet: https on 127.0.0.1 under a name. Its clients take
 * that one address for public and nothing else, as the real vetting would refuse it.
 */
export class HttpsHost {
  /** The names that were looked up, in order. */
  readonly lookups: string[] = [];
  /** What the name leads to; a test may change it. */
  addresses: readonly string[] = ['127.0.0.1'];
  /** How many connections there ever were. */
  connections = 0;
  readonly #open = new Set<Socket>();

  private constructor(
    readonly server: Server,
    readonly port: number,
  ) {
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
    });
  }

  static async listen(listener: RequestListener): Promise<HttpsHost> {
    const server = createServer(certificate, listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new HttpsHost(server, (server.address() as AddressInfo).port);
  }

  /** A URL of this host, under its name unless told otherwise. */
  url(path = '/', host = NAME): string {
    return `https://${host}:${this.port}${path}`;
  }

  readonly lookup: AddressLookup = (hostname) => {
    this.lookups.push(hostname);
    return Promise.resolve(this.addresses);
  };

  client(options: PublicOutboundOptions = {}, parts: ClientParts = {}): PublicOutboundClient {
    return new PublicOutboundClient(
      { allowedPorts: [this.port], ...options },
      {
        lookup: this.lookup,
        isPublicAddress: (address) => address === '127.0.0.1',
        ca: certificate.cert,
        ...parts,
      },
    );
  }

  /** Waits until no connection is left open. */
  deserted(): Promise<void> {
    return eventually(() => this.#open.size === 0, 'every connection is closed');
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

type ClientParts = NonNullable<ConstructorParameters<typeof PublicOutboundClient>[1]>;

/** Writes for as long as there is a reader. */
export function pour(res: ServerResponse, chunk: string): void {
  const write = (): void => {
    while (!res.destroyed && res.write(chunk));
  };
  res.on('drain', write);
  write();
}
