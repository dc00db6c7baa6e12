import { Resolver } from 'node:dns/promises';

/** Finds every address of a name, IPv4 and IPv6; throws when there is none. */
export type AddressLookup = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>;

/**
 * Asks the name servers of the machine. Not `dns.lookup`: it would hold a thread of the pool in
 * which tokens are signed for as long as a stranger's name server is silent, and would look for
 * the name in the hosts file and below the search domains too.
 * @throws the error of `node:dns`, which has a `code`
 */
export async function lookupAddresses(
  hostname: string,
  signal: AbortSignal,
  resolver: Resolver = new Resolver({ timeout: 2000, tries: 2 }),
): Promise<readonly string[]> {
  signal.addEventListener('abort', () => resolver.cancel());
  const [ipv4, ipv6] = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ]);
  if (ipv4.status === 'rejected' && ipv6.status === 'rejected') throw ipv4.reason;
  return [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}
