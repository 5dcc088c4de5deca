import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { sqlite } from '../../../src/broker/index.ts';
import { Hub } from '../../../src/hub/index.ts';
import { DeviceSource } from '../../../src/sources/index.ts';
import { connect } from '../../../src/stream/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { Site } from './devices.ts';

/**
 * A fingerprint reader, written from the public description of its frames and from nothing of ours: A5, device u32,
 * command u8, from 80 on a result u8, length u16, data, CRC-16 with the low byte first; all other numbers big-endian.
 */
class FingerprintReader {
  readonly #id: number;

  constructor(id: number) {
    this.#id = id;
  }

  ping(): Buffer {
    return this.#frame([0x7f]);
  }

  /** Somebody has put a finger on it. `seconds` count from 2 January 2000. */
  passage(user: number, seconds: number): Buffer {
    const data = Buffer.alloc(14);
    data.writeUIntBE(user, 0, 5);
    data.writeUInt32BE(seconds, 5);
    data[9] = 1;
    return this.#frame([0xdf, 0], data);
  }

  isAnswerToPing(frame: Buffer): boolean {
    return frame.equals(this.#frame([0x7f + 0x80, 0]));
  }

  #frame(command: readonly number[], data: Buffer = Buffer.alloc(0)): Buffer {
    const head = Buffer.from([0xa5, 0, 0, 0, 0, ...command, data.length >> 8, data.length & 0xff]);
    head.writeUInt32BE(this.#id, 1);
    const body = Buffer.concat([head, data]);
    return Buffer.concat([body, checksum(body)]);
  }
}

function checksum(bytes: Buffer): Buffer {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  return Buffer.from([crc & 0xff, crc >>> 8]);
}

test('a fingerprint reader dials, sends two fingerprints, one cut in two, and gets its ping answered', async (t) => {
  const site = await Site.open(t, {
    listen: 'tcp://127.0.0.1:0',
    frame: 'anviz',
    channel: 'door:{device}',
    data: { badge: '{user}', at: '{time}' },
    time: '{time}',
  });
  const reader = new FingerprintReader(5010);
  const line = await connect(site.url);
  t.after(() => line.destroy());
  const first = reader.passage(4711, 86_400);
  const second = reader.passage(123_456_789_012, 86_405);
  line.write(first.subarray(0, 9));
  await until(() => site.clock.pending > 0, 'the first half had come'); // it waits for the rest
  line.write(first.subarray(9));
  line.write(Buffer.concat([second, reader.ping()]));

  const { value } = await line[Symbol.asyncIterator]().next();
  assert.ok(reader.isAnswerToPing(value!));
  assert.deepEqual(
    site.log.stored.map(({ channel, data, time }) => ({ channel, data, time })),
    [
      { channel: 'door:5010', data: { badge: 4711, at: '2000-01-03T00:00:00' }, time: '2000-01-03T00:00:00' },
      {
        channel: 'door:5010',
        data: { badge: 123_456_789_012, at: '2000-01-03T00:00:05' },
        time: '2000-01-03T00:00:05',
      },
    ],
  );
  assert.deepEqual(site.codes, []);
  assert.equal(site.device('5010')?.here, true);
});

test('what a fingerprint reader sends again after a power cut is in the hub’s log once, in its order', async (t) => {
  const hub = new Hub({ broker: sqlite(join(temporaryFolder(t), 'log.db')), channels: { 'door:*': {} } });
  t.after(() => hub.close());
  const source = new DeviceSource(
    {
      listen: 'tcp://127.0.0.1:0',
      frame: 'anviz',
      channel: 'door:{device}',
      data: '{user}',
      key: '{device} {time} {user}',
    },
    { publish: (channel, data, options) => hub.publish(channel, data, options) },
  );
  await source.open();
  t.after(() => source.close({ grace: 0 }));
  const reader = new FingerprintReader(5010);
  const passages = Array.from({ length: 300 }, (_, index) => reader.passage(1 + (index % 7), index));
  for (const count of [200, 300]) {
    const line = await connect(source.addresses[0]!);
    line.write(Buffer.concat([...passages.slice(0, count), reader.ping()]));
    await line[Symbol.asyncIterator]().next(); // the answer to the ping: all before it is stored
    line.destroy();
  }
  const { entries, head } = await hub.history('door:5010', { limit: 1_000 });
  assert.equal(head, passages.length);
  assert.deepEqual(
    entries.map(([, data]) => data),
    passages.map((_, index) => 1 + (index % 7)),
  );
});
