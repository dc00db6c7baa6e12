import { OutboundError } from './outbound-error.js';

/**
 * Reads a body to its end, or to the first byte that is too many.
 * @throws OutboundError
 */
export async function readBounded(
  url: URL,
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > maxBytes) throw tooLong(url, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The error for a body that is longer than it may be. */
export function tooLong(url: URL, maxBytes: number): OutboundError {
  return new OutboundError(`${url.origin} sent more than ${maxBytes} bytes.`, 'size');
}
