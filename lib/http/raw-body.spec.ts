import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { readRawBody } from './raw-body.js';

describe('readRawBody', () => {
  it('reads what no one has read', async () => {
    const stream = Readable.from([Buffer.from('a='), Buffer.from('1')], { objectMode: false });
    expect((await readRawBody(stream, 5))?.toString()).toBe('a=1');
  });

  it('reads an empty body as empty', async () => {
    const stream = new PassThrough();
    stream.end();
    expect(await readRawBody(stream, 5)).toHaveLength(0);
  });

  it('does not wait for a stream that was read', async () => {
    const stream = Readable.from([Buffer.from('a=1')], { objectMode: false });
    await stream.toArray();
    expect(await readRawBody(stream, 5)).toBeUndefined();
  });

  it('does not share a stream that another one is reading', async () => {
    const stream = new PassThrough();
    stream.on('data', () => {});
    expect(await readRawBody(stream, 5)).toBeUndefined();
  });

  it('does not wait for a stream that is gone', async () => {
    const stream = new PassThrough();
    stream.destroy();
    expect(await readRawBody(stream, 5)).toBeUndefined();
  });

  it('takes 64 kB and refuses more, ending the connection', async () => {
    const long = (length: number): Readable =>
      Readable.from([Buffer.alloc(length)], { objectMode: false });
    expect(await readRawBody(long(65_536), 5)).toHaveLength(65_536);
    await expect(readRawBody(long(65_537), 5)).rejects.toMatchObject({
      error: 'invalid_request',
      status: 413,
      headers: { connection: 'close' },
    });
  });

  it('gives up on a body that does not come', async () => {
    const stream = new PassThrough();
    stream.write('a');
    await expect(readRawBody(stream, 0.01)).rejects.toMatchObject({
      status: 408,
      headers: { connection: 'close' },
    });
  });

  it.each([
    ['closes', undefined],
    ['fails', new Error('ECONNRESET')],
  ])('gives up on a connection that %s', async (_how, error) => {
    const stream = new PassThrough();
    const body = readRawBody(stream, 5);
    stream.destroy(error);
    await expect(body).rejects.toMatchObject({ error: 'invalid_request', status: 400 });
  });

  it('survives a connection that fails after the body', async () => {
    const stream = Readable.from([Buffer.from('a=1')], { objectMode: false });
    expect((await readRawBody(stream, 5))?.toString()).toBe('a=1');
    expect(() => stream.emit('error', new Error('ECONNRESET'))).not.toThrow();
  });
});
