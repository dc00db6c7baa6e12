/**
 * Refuses every connection and name lookup that would leave this machine, for the whole suite.
 * Used through `setupFiles`.
 */
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { isIP, Socket } from 'node:net';

const installed = Symbol.for('multi-auth-tests:loopback-only');

if (!Reflect.has(Socket.prototype, installed)) {
  Reflect.defineProperty(Socket.prototype, installed, { value: true });
  guardSockets();
  guardLookups();
}

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name.startsWith('::ffff:127.');
}

function refusal(target: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`The tests may not reach ${target}: only loopback is allowed.`), {
    code: 'ERR_TESTS_LOOPBACK_ONLY',
  });
}

interface ConnectOptions {
  readonly host?: unknown;
  readonly path?: unknown;
  readonly lookup?: unknown;
}

type Connect = (this: Socket, ...args: unknown[]) => Socket;

function guardSockets(): void {
  const connect = Reflect.get(Socket.prototype, 'connect') as Connect;
  Reflect.set(Socket.prototype, 'connect', function guarded(this: Socket, ...args: unknown[]) {
    const refused = refusedHost(args);
    if (refused === undefined) return connect.apply(this, [...guardCustomLookup(args)]);
    process.nextTick(() => this.destroy(refusal(refused)));
    return this;
  });
}

/** The host of a connection that must not be made; a name is left to the lookup that was given. */
function refusedHost(args: readonly unknown[]): string | undefined {
  const [host, hasLookup] = hostOf(args);
  if (host === undefined || isLoopback(host)) return undefined;
  return hasLookup && isIP(host) === 0 ? undefined : host;
}

/** The host of `connect(options)`, `connect(port, host)`, `connect(path)` or its normalised form. */
function hostOf(args: readonly unknown[]): readonly [host: string | undefined, lookup: boolean] {
  const first: unknown = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof first === 'object' && first !== null) {
    const { host, path, lookup } = first as ConnectOptions;
    const isTcp = typeof path !== 'string' && typeof host === 'string';
    return [isTcp ? host : undefined, typeof lookup === 'function'];
  }
  return [typeof first === 'number' && typeof args[1] === 'string' ? args[1] : undefined, false];
}

type LookupCallback = (error: Error | null, address?: unknown, family?: unknown) => void;
type Lookup = (hostname: string, options: unknown, callback: LookupCallback) => void;

/** What a custom lookup finds must be loopback as well. */
function guardCustomLookup(args: readonly unknown[]): readonly unknown[] {
  const normalised = args[0];
  const options: unknown = Array.isArray(normalised) ? normalised[0] : normalised;
  if (typeof options !== 'object' || options === null) return args;
  const { lookup } = options as ConnectOptions;
  if (typeof lookup !== 'function') return args;
  const checked: Lookup = (hostname, lookupOptions, callback) => {
    (lookup as Lookup)(hostname, lookupOptions, (error, address, family) => {
      const outside = error ? undefined : addressesOf(address).find((a) => !isLoopback(a));
      if (outside === undefined) callback(error, address, family);
      else callback(refusal(`${hostname} (${outside})`));
    });
  };
  const guarded = { ...options, lookup: checked };
  if (!Array.isArray(normalised)) return [guarded, ...args.slice(1)];
  // Node marks the array of normalised arguments, so that it must stay the same one.
  normalised[0] = guarded;
  return args;
}

function addressesOf(found: unknown): readonly string[] {
  if (!Array.isArray(found)) return [String(found)];
  return found.map((entry: unknown) => String((entry as { address: unknown }).address));
}

type Callback = (error: Error) => void;

function guardLookups(): void {
  const lookup = dns.lookup as (...args: unknown[]) => void;
  const guarded = (hostname: string, ...rest: unknown[]): void => {
    if (isIP(hostname) !== 0 || isLoopback(hostname)) return lookup(hostname, ...rest);
    process.nextTick(rest.at(-1) as Callback, notFound(hostname));
  };
  const lookupPromise = dns.promises.lookup as (...args: unknown[]) => Promise<unknown>;
  const guardedPromise = async (hostname: string, ...rest: unknown[]): Promise<unknown> => {
    if (isIP(hostname) !== 0 || isLoopback(hostname)) return lookupPromise(hostname, ...rest);
    throw notFound(hostname);
  };
  Reflect.set(dns, 'lookup', guarded);
  Reflect.set(dns.promises, 'lookup', guardedPromise);
  for (const name of ['resolve', 'resolve4', 'resolve6'] as const) {
    Reflect.set(dns, name, (hostname: string, ...rest: unknown[]): void => {
      process.nextTick(rest.at(-1) as Callback, notFound(hostname));
    });
    Reflect.set(dns.promises, name, async (hostname: string) => {
      throw notFound(hostname);
    });
  }
  for (const { prototype } of [dns.Resolver, dns.promises.Resolver]) guardResolver(prototype);
  syncBuiltinESMExports();
}

type Resolve = (this: dns.Resolver, ...args: unknown[]) => unknown;

/** A resolver may ask the name servers that a test has given it, and these must be here. */
function guardResolver(prototype: object): void {
  const local = new WeakSet<object>();
  const setServers = Reflect.get(prototype, 'setServers') as Resolve;
  Reflect.set(prototype, 'setServers', function (this: dns.Resolver, servers: readonly string[]) {
    if (servers.every((server) => isLoopback(server.replace(/:\d+$/, '')))) local.add(this);
    else local.delete(this);
    return setServers.call(this, servers);
  });
  for (const name of ['resolve', 'resolve4', 'resolve6'] as const) {
    const resolve = Reflect.get(prototype, name) as Resolve;
    Reflect.set(prototype, name, function (this: dns.Resolver, ...args: unknown[]) {
      if (local.has(this)) return resolve.apply(this, args);
      const error = notFound(String(args[0]));
      const callback = args.at(-1);
      if (typeof callback !== 'function') return Promise.reject(error);
      return process.nextTick(callback, error);
    });
  }
}

function notFound(hostname: string): Error {
  return Object.assign(refusal(hostname), { code: 'ENOTFOUND', hostname });
}
