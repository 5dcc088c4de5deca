import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ZocaloError } from '../../../src/errors.ts';
import { connect, type StreamSocket } from '../../../src/stream/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { heldMemory } from '../../support/memory.ts';
import { until } from '../../support/until.ts';
import { addressOf, DOORS, place } from './device-place.ts';

const channels = { 'door:*': { history: { size: 10_000 } } };
/** Frames with a length of four bytes, which is the widest. */
const LONG = { kind: 'length', width: 4, limit: 1_024, strip: { start: 4, end: 0 } } as const;
/** `02` text checksum `03`. */
const CHECKED = { kind: 'enclosed', start: '\x02', end: '\x03', check: 'xor' } as const;
/** Milliseconds after which a frame that has begun is given up, by default. */
const GIVE_UP = 30_000;

/** A source, a second one beside it whose devices must not notice anything, and what the log told. */
async function site(t: TestContext, source: object) {
  const clock = new FakeClock();
  const doors = { listen: 'tcp://127.0.0.1:0', channel: 'door:bad', ...source } as unknown as typeof DOORS;
  const parts = await place(t, { channels, sources: { doors, more: DOORS } }, { clock });
  const told = () =>
    parts.log.lines
      .filter(({ level }) => level === 'warn' || level === 'error')
      .map(({ fields }) => {
        const { code, message } = fields.err as ZocaloError;
        return { source: fields.source, code, message };
      });
  const codes = () => told().map(({ source, code }) => `${source} ${code}`);
  let asked = 0;
  const others = await parts.device('more');
  /** Whether the other source still answers. */
  const othersWork = async () => {
    others.socket.write(`{"id":"other","n":${++asked}}\n`);
    assert.equal((await others.lines.next()).value, `OK ${asked}`);
  };
  return { ...parts, clock, told, codes, othersWork };
}

function longFrame(text: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(text.length);
  return Buffer.concat([head, Buffer.from(text)]);
}

function checked(text: string, isRight = true): Buffer {
  const sum = [...Buffer.from(text)].reduce((sum, byte) => sum ^ byte, isRight ? 0 : 0x55);
  return Buffer.concat([Buffer.from(`\x02${text}`), Buffer.from([sum]), Buffer.from('\x03')]);
}

function write(socket: StreamSocket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())));
}

test('half a frame and then silence: it is dropped and reported, and the frames after it are taken', async (t) => {
  const { device, stored, clock, codes, metric, othersWork } = await site(t, { frame: LONG, decode: { kind: 'text' } });
  const { socket } = await device();
  socket.write(longFrame('x'.repeat(100)).subarray(0, 50));
  await until(async () => {
    clock.advance(GIVE_UP);
    return codes().length > 0;
  }, 'it was given up');
  assert.deepEqual(codes(), ['doors FRAME_DAMAGED']);
  await othersWork();
  socket.write(longFrame('whole'));
  await until(async () => {
    clock.advance(GIVE_UP);
    return (await stored('door:bad')).length === 1;
  }, 'the next frame was taken');
  assert.deepEqual(await stored('door:bad'), ['whole']);
  assert.equal(await metric('skipped_bytes_total'), 50);
});

test('half a frame and then the end of the connection: the half is counted, and nothing is published', async (t) => {
  const { device, stored, metric, othersWork } = await site(t, { frame: LONG });
  const { socket } = await device();
  socket.end(longFrame('x'.repeat(100)).subarray(0, 50));
  await until(async () => (await metric('skipped_bytes_total')) === 50, 'it was counted');
  assert.deepEqual(await stored('door:bad'), []);
  await othersWork();
});

test('a device that is silent for longer than `silence` allows is disconnected and reported', async (t) => {
  const { device, clock, codes, metric, told } = await site(t, { frame: 'lines', silence: '1m' });
  const { lines } = await device();
  await until(async () => (await metric('connections')) === 1, 'it was connected');
  clock.advance(60_000);
  assert.equal((await lines.next()).done, true);
  await until(() => codes().length === 1, 'it was told');
  assert.deepEqual(codes(), ['doors TIMEOUT']);
  assert.match(told()[0]!.message, /was silent for 60000 ms/);
});

test('a length field that says 4 GB: it is refused before anything of it is kept, and reported once', async (t) => {
  const { device, stored, told, metric, othersWork } = await site(t, { frame: LONG, decode: { kind: 'text' } });
  const { socket } = await device();
  const before = heldMemory();
  const garbage = Buffer.alloc(256 * 1_024, 0xff);
  for (let times = 0; times < 64; times++) {
    await write(socket, garbage);
    if (times % 16 === 0) await othersWork();
  }
  const all = 64 * garbage.length;
  await until(async () => (await metric('skipped_bytes_total')) >= all - 4, 'it was skipped');
  const grown = heldMemory() - before;
  assert.ok(grown < 0.25 * all, `${grown} bytes more are held`);
  const [first, ...more] = told();
  assert.deepEqual([first!.source, first!.code, more.length], ['doors', 'FRAME_TOO_LONG', 0]);
  assert.match(first!.message, /a frame has 4294967299 bytes; at most 1024 are taken/);
  // The last bytes of the garbage look like the length of a frame until something follows.
  socket.write(Buffer.concat([Buffer.alloc(8), longFrame('whole')]));
  await until(async () => (await stored('door:bad')).length === 1, 'the next frame was taken');
  assert.deepEqual(await stored('door:bad'), ['whole']);
});

test('a flood of connections: as many as the limit are kept, a device finds its place, and the log says so', async (t) => {
  const { daemon, device, stored, told, codes, metric, othersWork } = await site(t, { ...DOORS, connections: 10 });
  const url = await addressOf(daemon);
  const flood: StreamSocket[] = [];
  t.after(() => {
    for (const socket of flood) socket.destroy();
  });
  for (let times = 0; times < 10; times++) {
    flood.push(...(await Promise.all(Array.from({ length: 20 }, () => connect(url)))));
    assert.ok((await metric('connections')) <= 10);
  }
  for (const socket of flood) socket.resume();
  const open = () => flood.filter((socket) => !socket.destroyed && !socket.readableEnded).length;
  await until(() => open() <= 10, 'the others were ended');
  const { socket, lines } = await device();
  socket.write('{"id":"a","n":1}\n');
  assert.equal((await lines.next()).value, 'OK 1');
  assert.deepEqual(await stored('door:a'), [{ id: 'a', n: 1 }]);
  await othersWork();
  // Those that came later did not take its place.
  flood.push(...(await Promise.all(Array.from({ length: 30 }, () => connect(url)))));
  await until(async () => (await metric('refused_total')) === 221, 'all others were refused');
  socket.write('{"id":"a","n":2}\n');
  assert.equal((await lines.next()).value, 'OK 2');
  assert.equal(await metric('connections'), 10);
  assert.deepEqual(codes(), ['doors DEVICE_REFUSED']);
  assert.match(told()[0]!.message, /made room for another one: 10 were connected, and it had sent no good frame/);
});

test('when all connections are of devices, the next one is refused and reported with the limit', async (t) => {
  const { device, told, codes } = await site(t, { ...DOORS, connections: 2 });
  for (const id of ['a', 'b']) {
    const { socket, lines } = await device();
    socket.write(`{"id":"${id}","n":1}\n`);
    assert.equal((await lines.next()).value, 'OK 1');
  }
  const { lines } = await device();
  assert.equal((await lines.next()).done, true);
  assert.deepEqual(codes(), ['doors DEVICE_REFUSED']);
  assert.match(told()[0]!.message, /came when 2 devices were connected, which is the limit.*raise its limits/);
});

test('garbage before each frame: all frames are taken, and the garbage is counted while the device is connected', async (t) => {
  const { device, stored, codes, metric, othersWork } = await site(t, { frame: CHECKED });
  const { socket } = await device();
  const sent = Array.from({ length: 50 }, (_, n) => `frame ${n}`);
  for (const text of sent) socket.write(Buffer.concat([Buffer.from('~~~~~'), checked(text)]));
  await until(async () => (await stored('door:bad')).length === 50, 'all were stored');
  assert.deepEqual(await stored('door:bad'), sent);
  assert.equal(await metric('skipped_bytes_total'), 250);
  assert.equal(await metric('connections'), 1);
  assert.deepEqual(codes(), []);
  await othersWork();
});

test('a wrong checksum in each second frame: the others are taken, each damaged one is counted, and the log has one line', async (t) => {
  const { device, stored, codes, metric, clock, log, othersWork } = await site(t, { frame: CHECKED });
  const { socket } = await device();
  for (let n = 0; n < 100; n++) await write(socket, checked(`frame ${n}`, n % 2 === 0));
  await until(async () => (await stored('door:bad')).length === 50, 'the good ones were stored');
  assert.deepEqual(
    await stored('door:bad'),
    Array.from({ length: 50 }, (_, n) => `frame ${2 * n}`),
  );
  await until(async () => (await metric('refused_total')) === 50, 'all were counted');
  assert.deepEqual(codes(), ['doors FRAME_DAMAGED']);
  clock.advance(10_000);
  socket.write(checked('late', false));
  await until(() => codes().length === 2, 'it was told again');
  assert.equal(log.lines.findLast(({ level }) => level === 'warn')!.fields.omitted, 49);
  await othersWork();
});

test('the wrong encoding: the frame is refused, reported and not answered; the next one is taken', async (t) => {
  const { device, stored, told, codes } = await site(t, DOORS);
  const { socket, lines } = await device();
  socket.write(Buffer.from('{"id":"Jos\xe9","n":1}\n{"id":"Jos","n":2}\n', 'latin1'));
  assert.equal((await lines.next()).value, 'OK 2');
  assert.deepEqual(await stored('door:Jos'), [{ id: 'Jos', n: 2 }]);
  assert.deepEqual(codes(), ['doors FRAME_NOT_DECODED']);
  assert.match(told()[0]!.message, /a frame of 19 bytes is not utf-8/);
});

test('a device that connects twice: the newer connection is its own, and nothing that came by the older is lost', async (t) => {
  const { device, stored, metric, codes } = await site(t, {
    ...DOORS,
    state: 'door:{device}:state',
    channel: DOORS.channel,
  });
  const [first, second] = [await device(), await device()];
  first.socket.write('{"id":"a","n":1}\n');
  assert.equal((await first.lines.next()).value, 'OK 1');
  first.socket.write('{"id":"a","n":2}\n');
  second.socket.write('{"id":"a","n":3}\n');
  assert.equal((await second.lines.next()).value, 'OK 3');
  const rest = [(await first.lines.next()).value, (await first.lines.next()).done];
  assert.deepEqual(rest, ['OK 2', true]);
  assert.deepEqual(
    await stored('door:a'),
    [1, 2, 3].map((n) => ({ id: 'a', n })),
  );
  await until(async () => (await metric('connections')) === 1, 'one is left');
  assert.equal((await stored('door:a:state')).length, 1);
  assert.deepEqual(codes(), []);
});
