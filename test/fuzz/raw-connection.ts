import { connect } from 'node:net';
import type { HostileRequest } from './hostile-requests.js';

/** How long nothing must come until the sender believes that the server waits for more. */
const PATIENCE_MILLISECONDS = 60;
/** What nobody takes for slowness any more. */
const HANG_MILLISECONDS = 20_000;

/** How a connection went. */
export interface Outcome {
  /** Everything that was answered, one byte a character. */
  readonly answer: string;
  /** Whether the server let go of the connection. */
  readonly isClosed: boolean;
}

/** Sends the bytes on a connection of their own, and waits for its end. */
export async function sendRaw(port: number, request: HostileRequest): Promise<Outcome> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const received: Buffer[] = [];
  const patience = setTimeout(() => void socket.end(), PATIENCE_MILLISECONDS);
  socket.on('data', (data: Buffer) => {
    received.push(data);
    patience.refresh();
  });
  const ended = new Promise<boolean>((resolve) => {
    const hang = setTimeout(() => resolve(false), HANG_MILLISECONDS);
    const end = (): void => {
      clearTimeout(hang);
      clearTimeout(patience);
      resolve(true);
    };
    // A reset is an end too: whoever sends too much is not heard to the last byte.
    socket.on('error', end).on('end', end).on('close', end);
  });
  for (const part of partsOf(request)) {
    socket.write(part, 'latin1');
    await new Promise((next) => setImmediate(next));
  }
  if (request.farewell === 'half-close') socket.end();
  if (request.farewell === 'reset') socket.resetAndDestroy();
  const isClosed = await ended;
  socket.destroy();
  return { answer: Buffer.concat(received).toString('latin1'), isClosed };
}

function partsOf({ bytes, cuts }: HostileRequest): string[] {
  return [0, ...cuts].map((from, i) => bytes.slice(from, cuts[i] ?? bytes.length));
}
