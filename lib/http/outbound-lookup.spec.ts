import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lookupAddresses } from './outbound-lookup.js';

const A = 1;
const AAAA = 28;

interface Question {
  readonly name: string;
  readonly type: number;
}

/** What the name server has for a question; `undefined`: it stays silent. */
type Zone = (question: Question) => readonly Buffer[] | undefined;

describe('lookupAddresses', () => {
  let server: Socket;
  let resolver: Resolver;
  let zone: Zone;
  let asked: Question[];

  beforeEach(async () => {
    asked = [];
    server = createSocket('udp4', (query, from) => {
      const question = questionOf(query);
      asked.push(question);
      const records = zone(question);
      if (records) server.send(answerTo(query, question, records), from.port, from.address);
    });
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    resolver = new Resolver({ timeout: 5000, tries: 1 });
    resolver.setServers([`127.0.0.1:${server.address().port}`]);
  });

  afterEach(() => {
    server.close();
  });

  const lookup = (name: string, signal = new AbortController().signal) =>
    lookupAddresses(name, signal, resolver);

  it('finds every address of both families', async () => {
    zone = ({ type }) =>
      type === A ? [Buffer.of(1, 2, 3, 4), Buffer.of(10, 0, 0, 1)] : [Buffer.alloc(16, 0x20)];
    expect((await lookup('good.test')).toSorted()).toEqual([
      '1.2.3.4',
      '10.0.0.1',
      '2020:2020:2020:2020:2020:2020:2020:2020',
    ]);
  });

  it('asks for the very name, once for each family', async () => {
    zone = () => [];
    await expect(lookup('good.test')).rejects.toMatchObject({ code: 'ENODATA' });
    expect(asked.toSorted((a, b) => a.type - b.type)).toEqual([
      { name: 'good.test', type: A },
      { name: 'good.test', type: AAAA },
    ]);
  });

  it.each([
    [A, '1.2.3.4'],
    [AAAA, '102:304:102:304:102:304:102:304'],
  ])('is content with one family (%i)', async (family, address) => {
    const record = Buffer.from([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
    zone = ({ type }) => (type === family ? [record.subarray(0, type === A ? 4 : 16)] : []);
    expect(await lookup('good.test')).toEqual([address]);
  });

  it('does not look into the hosts file', async () => {
    zone = () => [];
    await expect(lookup('localhost')).rejects.toMatchObject({ code: 'ENODATA' });
  });

  it('ends with the signal when the name server is silent', async () => {
    const caller = new AbortController();
    zone = () => {
      if (asked.length === 2) caller.abort();
      return undefined;
    };
    await expect(lookup('good.test', caller.signal)).rejects.toMatchObject({ code: 'ECANCELLED' });
  });
});

/** @see RFC 1035 §4.1 */
function questionOf(query: Buffer): Question {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1) };
}

function answerTo(query: Buffer, { name, type }: Question, records: readonly Buffer[]): Buffer {
  const question = query.subarray(12, 12 + name.length + 2 + 4);
  const header = Buffer.concat([query.subarray(0, 2), Buffer.from('8180000100000000', 'hex')]);
  const counted = Buffer.concat([header, Buffer.alloc(2)]);
  counted.writeUInt16BE(records.length, 6);
  const answers = records.map((record) =>
    Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, record.length]), record]),
  );
  return Buffer.concat([counted, question, ...answers]);
}
