import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Stands between a client and a server of this machine, and breaks what goes through it. */
export class TcpProxy {
  /** How many connections there were. */
  connections = 0;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  #server: Server | undefined;
  #port = 0;
  #sent = '';
  #isHeld = false;
  #cutsAtAnswer = false;
  #delayMilliseconds = 0;

  private constructor(target: number) {
    this.#target = target;
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    await proxy.listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** How often clients sent a text, in capitals or not. */
  timesSent(text: string): number {
    return this.#sent.toLowerCase().split(text.toLowerCase()).length - 1;
  }

  /** Cuts all connections when the next answer comes, which nobody gets. */
  cutAtNextAnswer(): void {
    this.#cutsAtAnswer = true;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets nothing through, in either direction, and breaks nothing. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Lets through what was held, and what comes. */
  release(): void {
    this.#isHeld = false;
    for (const pass of this.#held.splice(0)) pass();
  }

  /** Every answer comes so much later. */
  delayAnswers(milliseconds: number): void {
    this.#delayMilliseconds = milliseconds;
  }

  /** Accepts connections, at the same port as before. */
  async listen(): Promise<void> {
    const server = createServer((client) => this.#accept(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Cuts all connections, and refuses others. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => {
      this.#server?.close(resolve);
    });
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    this.connections += 1;
    const server = connect({ host: '127.0.0.1', port: this.#target });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (data) => {
      this.#sent += data.toString();
      this.#pass(() => server.write(data));
    });
    server.on('data', (data) => {
      if (this.#cutsAtAnswer) {
        this.#cutsAtAnswer = false;
        this.cut();
      } else if (this.#delayMilliseconds > 0) {
        setTimeout(() => this.#pass(() => client.write(data)), this.#delayMilliseconds);
      } else {
        this.#pass(() => client.write(data));
      }
    });
  }

  #pass(write: () => void): void {
    if (this.#isHeld) this.#held.push(write);
    else write();
  }
}
