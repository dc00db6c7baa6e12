import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The way to a server of this machine, which can be cut and mended. */
export class NetworkCable {
  static async lay(port: number): Promise<NetworkCable> {
    const cable = new NetworkCable(createServer(), port);
    await cable.#listen(0);
    return cable;
  }

  readonly #sockets = new Set<Socket>();
  #port = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (socket) => this.#join(socket, connect(this.target, '127.0.0.1')));
  }

  get port(): number {
    return this.#port;
  }

  /** Breaks every connection; new ones are refused. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    await this.#listen(this.#port);
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.#port = (this.server.address() as AddressInfo).port;
  }

  #join(here: Socket, there: Socket): void {
    for (const [socket, other] of [
      [here, there],
      [there, here],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    here.pipe(there).pipe(here);
  }
}
