import type { LookupAddress } from 'node:dns';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP, type TcpNetConnectOpts } from 'node:net';
import { OutboundError } from './outbound-error.js';
import type { AddressLookup } from './outbound-lookup.js';
import { hostOf } from './public-url.js';

type FamilySelection = Pick<
  TcpNetConnectOpts,
  'autoSelectFamily' | 'autoSelectFamilyAttemptTimeout'
>;

const MAX_ATTEMPTS = 4;
const ATTEMPT_SECONDS = 1;

/** An answer whose body is still to come; ends with the signal of its request. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** Sends one GET to a URL that was checked. */
export type PublicTransport = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<OpenAnswer>;

/** What a pinned connection is made with. */
export interface PinnedTransportParts {
  readonly lookup: AddressLookup;
  readonly isPublicAddress: (address: string) => boolean;
  /** Certificate authorities instead of those of Node, in PEM. */
  readonly ca?: string | undefined;
}

/**
 * Looks a name up once, and connects to the very addresses that were found and vetted: a name that
 * means something else a moment later changes nothing. The certificate is still that of the name.
 */
export function pinnedTransport(parts: PinnedTransportParts): PublicTransport {
  return async (url, headers, signal) => {
    const isName = isIP(hostOf(url)) === 0;
    const addresses = isName ? await vettedAddresses(url, parts, signal) : [];
    signal.throwIfAborted();
    const answer = await answerTo(
      httpsRequest({ ...connectionTo(url, addresses), ca: parts.ca, headers, signal }),
    );
    return { status: answer.statusCode ?? 0, headers: headersOf(answer), body: answer };
  };
}

async function vettedAddresses(
  url: URL,
  { lookup, isPublicAddress }: PinnedTransportParts,
  signal: AbortSignal,
): Promise<LookupAddress[]> {
  const found = await lookup(hostOf(url), signal);
  if (found.length === 0 || !found.every(isPublicAddress)) {
    throw new OutboundError(`${url.origin} leads not to public addresses alone.`, 'address');
  }
  return inTurn(found).slice(0, MAX_ATTEMPTS);
}

function connectionTo(url: URL, addresses: LookupAddress[]): RequestOptions & FamilySelection {
  return {
    host: hostOf(url),
    port: url.port || 443,
    path: url.pathname + url.search,
    rejectUnauthorized: true,
    // One connection for one request: none is kept, none is shared.
    agent: false,
    // Is not asked about an address, which was vetted with the URL.
    lookup: (_host, _options, callback) => process.nextTick(callback, null, addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_SECONDS * 1000,
  };
}

/** One address of each family in turn: a dead family must not cost all the attempts. */
function inTurn(found: readonly string[]): LookupAddress[] {
  const all = found.map((address) => ({ address, family: isIP(address) }));
  const first = all.filter(({ family }) => family === all[0]?.family);
  const other = all.filter(({ family }) => family !== all[0]?.family);
  const pairs = first.flatMap((address, i) => [address, ...other.slice(i, i + 1)]);
  return [...pairs, ...other.slice(first.length)];
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Stays: an error may also come after the answer has begun.
    request.on('error', reject);
    request.once('close', () => reject(new Error('The connection was closed.')));
    request.end();
  });
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
  }
  return headers;
}
