import { AppProcess, type AppProcessOptions } from './app-process.js';
import { Balancer } from './balancer.js';
import { freePort } from './free-port.js';
import { type Answer, ProxyFlow } from './proxy-flow.js';
import type { UpstreamIdp } from './upstream-idp.js';

type AppFlow = ProxyFlow<UpstreamIdp, AppProcess>;

/** Two app processes on one store, behind a balancer that sends each request to the other one. */
export class AppPair {
  static async start(
    options: Omit<AppProcessOptions, 'idp' | 'port' | 'origin'> & { readonly idp: UpstreamIdp },
  ): Promise<AppPair> {
    const port = await freePort();
    const ports = [await freePort(), await freePort()] as const;
    const origin = `http://127.0.0.1:${port}`;
    const start = (own: number): Promise<AppProcess> =>
      AppProcess.start({ ...options, port: own, origin });
    const apps = await Promise.all([start(ports[0]), start(ports[1])]);
    const flows = apps.map((app) => new ProxyFlow(app, options.idp, undefined, app.port));
    return new AppPair(flows as [AppFlow, AppFlow], await Balancer.start(port, ports));
  }

  private constructor(
    /** What is sent straight to the one, and to the other. */
    readonly flows: readonly [AppFlow, AppFlow],
    readonly balancer: Balancer,
  ) {}

  /** Sends so many requests at once, every other one to the other app. */
  async race(
    count: number,
    send: (flow: AppFlow, i: number) => Promise<Answer>,
  ): Promise<readonly Answer[]> {
    const all = (task: typeof send): Promise<Answer[]> =>
      Promise.all(
        Array.from({ length: count }, (_, i) => task(this.flows[i % 2] ?? this.flows[0], i)),
      );
    // Connections are open before the race begins: to open one takes as long as to win it.
    await all((flow) => flow.send('/.well-known/oauth-authorization-server'));
    return all(send);
  }

  /** Lines that either app printed and that contain the text. */
  printed(text: string): number {
    return this.flows
      .flatMap(({ app }) => app.output.split('\n'))
      .filter((line) => line.includes(text)).length;
  }

  /** Sets the clocks of both so much ahead of the machine's. */
  async setClocks(offsetSeconds: number): Promise<void> {
    await Promise.all(this.flows.map(({ app }) => app.setClock(offsetSeconds)));
  }

  async close(): Promise<void> {
    await this.balancer.stop();
    await Promise.all(this.flows.map(({ app }) => app.close()));
  }
}
