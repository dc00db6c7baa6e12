import type { Readable } from 'node:stream';
import { OAuthError } from './oauth-error.js';
import { bodyTooLong, MAX_BODY_BYTES } from './request-body.js';

/**
 * Reads the body that no parser of the host has read; undefined when someone did.
 * @throws OAuthError when it is too long (413), too slow (408) or breaks off
 */
export async function readRawBody(
  stream: Readable,
  timeoutSeconds: number,
): Promise<Buffer | undefined> {
  if (isTouched(stream)) return undefined;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) settle(() => reject(closing(bodyTooLong('invalid_request'))));
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks)));
    const onLoss = (): void => settle(() => reject(brokenOff()));
    const timer = setTimeout(() => settle(() => reject(tooSlow())), timeoutSeconds * 1000);
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      stream.off('data', onData).off('end', onEnd).off('close', onLoss).pause();
      outcome();
    };
    // `error` keeps its listener: without any, a connection that fails later ends the process.
    stream.on('data', onData).on('end', onEnd).on('close', onLoss).on('error', onLoss);
  });
}

/** A stream that is read, being read or gone will never emit `end` to a newcomer. */
function isTouched(stream: Readable): boolean {
  return !stream.readable || stream.readableDidRead || stream.readableFlowing === true;
}

function brokenOff(): OAuthError {
  return new OAuthError('invalid_request', 'The request broke off.');
}

function tooSlow(): OAuthError {
  return closing(new OAuthError('invalid_request', 'The request is too slow.', { status: 408 }));
}

/** What is left of the body must not be awaited, so the connection cannot serve another request. */
function closing(error: OAuthError): OAuthError {
  return new OAuthError(error.error, error.description, {
    status: error.status,
    headers: { connection: 'close' },
  });
}
