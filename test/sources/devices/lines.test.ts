import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, listen, type StreamSocket } from '../../../src/stream/index.ts';
import { settle } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { Site } from './devices.ts';

const NAMED = {
  listen: 'tcp://127.0.0.1:0',
  frame: { kind: 'lines' },
  decode: { kind: 'json' },
  device: '{id}',
  channel: 'device:{device}',
  reply: 'OK\n',
} as const;

async function say(device: StreamSocket, id: string): Promise<void> {
  device.write(`{"id":"${id}"}\n`);
  assert.equal((await device.lines().next()).value, 'OK');
}

test('the newer line of a device wins: what came by the older one is stored first', async (t) => {
  const site = await Site.open(t, NAMED);
  const old = await connect(site.url);
  t.after(() => old.destroy());
  await say(old, 'a');
  const gate = Promise.withResolvers<void>();
  site.log.gate = gate.promise;
  old.write('{"id":"a","n":1}\n');
  await until(() => site.log.attempts === 2, 'the reading of the old line was handed over');
  const young = await connect(site.url);
  t.after(() => young.destroy());
  young.write('{"id":"a","n":2}\n');
  for (let times = 0; times < 20; times++) await settle();
  assert.equal(site.log.attempts, 2);
  gate.resolve();
  await until(() => {
    site.clock.advance(10);
    return site.log.stored.length === 3;
  }, 'both were stored');
  assert.deepEqual(site.log.data.slice(1), [
    { id: 'a', n: 1 },
    { id: 'a', n: 2 },
  ]);
  assert.equal(await old.text(), 'OK\n');
  assert.equal(site.source.totals.lines, 1);
  assert.equal(site.device('a')?.address, young.localAddress);
  assert.deepEqual(
    site.states.map(({ device, here }) => [device, here]),
    [['a', true]],
  );
});

test('an old line that never takes its answers does not keep the device from coming again', async (t) => {
  const site = await Site.open(t, { ...NAMED, reply: 'x'.repeat(1_000_000) });
  const old = await connect(site.url);
  t.after(() => old.destroy());
  for (let count = 0; count < 20; count++) old.write('{"id":"a"}\n');
  await until(() => site.log.stored.length > 0, 'something was stored');
  const young = await connect(site.url);
  t.after(() => young.destroy());
  young.write('{"id":"a","young":true}\n');
  await until(() => {
    site.clock.advance(50);
    return site.log.stored.some(({ data }) => (data as { young?: boolean }).young);
  }, 'the new line was heard');
});

test('half a frame and then nothing is given up after a silence, and what follows is read', async (t) => {
  const site = await Site.open(t, { listen: 'tcp://127.0.0.1:0', frame: 'anviz', channel: 'door:{device}' });
  const device = await connect(site.url);
  t.after(() => device.destroy());
  device.write(Buffer.from('a500000007df00ffff', 'hex')); // announces 65,535 bytes
  device.write(Buffer.from('a500000007df003f000102', 'hex')); // announces 16,128
  await until(() => site.clock.pending > 0, 'the bytes had come');
  await settle();
  site.clock.advance(30_000);
  await until(() => site.codes.includes('FRAME_DAMAGED'), 'the half frame was given up');
  device.write(PING);
  const chunks = device[Symbol.asyncIterator]();
  assert.equal((await chunks.next()).value!.toString('hex').slice(0, 12), 'a500000007ff');
  assert.equal(site.device('7')?.here, true);
});

/** A ping of device 7, with its checksum as the public description computes it. */
const PING = withChecksum('a5000000077f0000');

function withChecksum(hex: string): Buffer {
  const bytes = Buffer.from(hex, 'hex');
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  return Buffer.concat([bytes, Buffer.from([crc & 0xff, crc >>> 8])]);
}

test('a line that is silent for too long is ended, but not while what it sent is being stored', async (t) => {
  const site = await Site.open(t, { ...NAMED, silence: 60_000 });
  const device = await connect(site.url);
  t.after(() => device.destroy());
  const gate = Promise.withResolvers<void>();
  site.log.gate = gate.promise;
  device.write('{"id":"a"}\n');
  await until(() => site.log.attempts === 1, 'the reading was handed over');
  site.clock.advance(120_000);
  await settle();
  assert.equal(site.device('a')?.here, true);
  gate.resolve();
  assert.equal((await device.lines().next()).value, 'OK');
  await settle();
  site.clock.advance(60_000);
  await until(() => site.device('a')?.here === false, 'the device was gone');
  assert.deepEqual(site.codes, ['TIMEOUT']);
});

test('a device that sends garbage costs another one nothing, and is reported once in a while', async (t) => {
  const site = await Site.open(t, { ...NAMED, frame: { kind: 'lines', limit: 64 } });
  const bad = await connect(site.url);
  const good = await connect(site.url);
  t.after(() => good.destroy());
  bad.end(`${'garbage\n'.repeat(1_000)}${'x'.repeat(10_000)}`);
  await until(() => site.source.totals.refused === 1_001, 'the garbage was refused');
  await say(good, 'good');
  assert.deepEqual(
    site.reports.filter(({ code }) => code === 'FRAME_NOT_DECODED').map(({ about }) => about.omitted),
    [0],
  );
  assert.deepEqual(site.log.data, [{ id: 'good' }]);
  site.clock.advance(10_000);
  good.write('garbage\n');
  await until(() => site.reports.at(-1)?.about.omitted === 999, 'it was told how many were left out');
});

test('a device whose channel cannot be stored into holds back no other device', async (t) => {
  const site = await Site.open(t, NAMED);
  site.log.failure = (channel) => (channel === 'device:bad' ? new Error('its disk is full') : undefined);
  const bad = await connect(site.url);
  bad.write('{"id":"bad"}\n');
  await until(() => site.log.attempts === 1, 'the bad one was tried');
  const good = await connect(site.url);
  for (let times = 0; times < 3; times++) await say(good, 'good');
  assert.equal(site.log.stored.length, 3);
  assert.equal(site.source.totals.waiting, 1);
  // It goes on although the device has gone: what it sent is not lost.
  bad.destroy();
  site.log.failure = () => undefined;
  await until(() => {
    site.clock.advance(100);
    return site.log.stored.length === 4;
  }, 'the reading of the bad one was stored');
  good.destroy();
});

test('at the limit, connections that say nothing make room, and those of devices stay', async (t) => {
  const site = await Site.open(t, { ...NAMED, connections: 3 });
  const devices: StreamSocket[] = [];
  for (const id of ['a', 'b']) {
    const device = await connect(site.url);
    await say(device, id);
    devices.push(device);
  }
  const silent = await Promise.all(Array.from({ length: 50 }, () => connect(site.url)));
  await until(
    () => silent.filter((socket) => !socket.resume().destroyed && !socket.readableEnded).length === 1,
    'room was made',
  );
  const third = await connect(site.url);
  await say(third, 'c');
  const fourth = await connect(site.url);
  fourth.resume();
  await until(() => fourth.readableEnded || fourth.destroyed, 'the fourth was refused');
  assert.equal(site.source.totals.lines, 3);
  assert.ok(site.codes.includes('DEVICE_REFUSED'));
  for (const [index, id] of ['a', 'b'].entries()) await say(devices[index]!, id);
  for (const socket of [...devices, ...silent, third, fourth]) socket.destroy();
});

test('an address that is not on the list is refused, and networks may be listed', async (t) => {
  const site = await Site.open(t, { ...NAMED, addresses: ['192.0.2.4', '2001:db8::/32'] });
  const stranger = await connect(site.url);
  stranger.resume();
  await until(() => stranger.readableEnded || stranger.destroyed, 'it was refused');
  assert.deepEqual(site.codes, ['DEVICE_REFUSED']);
  const open = await Site.open(t, { ...NAMED, addresses: ['192.0.2.4', '127.0.0.0/8'] });
  const friend = await connect(open.url);
  t.after(() => friend.destroy());
  await say(friend, 'a');
  for (const wrong of ['192.0.2', '192.0.2.0/33', '192.0.2.0/', 'localhost'])
    assert.throws(() => new Site(t, { ...NAMED, addresses: [wrong] }), { code: 'BAD_OPTION' });
});

test('a device that is not on the list is refused before anything of it is published', async (t) => {
  const site = await Site.open(t, { ...NAMED, ids: ['a'] });
  const stranger = await connect(site.url);
  stranger.resume().write('{"id":"b"}\n{"id":"b"}\n');
  await until(() => stranger.readableEnded || stranger.destroyed, 'it was refused');
  const friend = await connect(site.url);
  t.after(() => friend.destroy());
  await say(friend, 'a');
  assert.deepEqual(site.log.data, [{ id: 'a' }]);
  assert.equal(site.device('b'), undefined);
});

test('commands wait for a device up to a number, and only what can be a frame is taken', async (t) => {
  const site = await Site.open(t, { ...NAMED, commands: 2, devices: 2 });
  site.source.send('a', 'one');
  site.source.send('a', { hex: '74 77 6f' });
  assert.throws(() => site.source.send('a', 'three'), { code: 'COMMANDS_FULL' });
  assert.throws(() => site.source.send('a', 'two\nlines'), { code: 'FRAME_NOT_ENCODED' });
  site.source.send('b', 'other');
  assert.throws(() => site.source.send('c', 'unknown'), { code: 'COMMANDS_FULL' });
  const device = await connect(site.url);
  t.after(() => device.destroy());
  device.write('{"id":"a"}\n');
  const lines = device.lines();
  const heard = [await lines.next(), await lines.next(), await lines.next()].map(({ value }) => value);
  assert.deepEqual(
    heard.filter((line) => line !== 'OK'),
    ['one', 'two'],
  );
});

test('a device that cannot be reached is called again after growing pauses, by one connection at a time', async (t) => {
  const server = await listen('tcp://127.0.0.1:0');
  const [address] = server.addresses;
  await server.close();
  const site = await Site.open(t, { ...NAMED, listen: undefined, dial: address! } as never);
  for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    await until(() => site.clock.pending === 1 && site.source.totals.lines === 0, 'it pauses');
    await settle();
    site.clock.advance(pause - 1);
    assert.equal(site.clock.pending, 1);
    site.clock.advance(1);
  }
  assert.ok(site.codes.every((code) => code === 'CONNECTION_REFUSED'));
  const again = await listen(address!);
  t.after(() => again.close({ grace: 0 }));
  const sockets: StreamSocket[] = [];
  void (async () => {
    for await (const socket of again) sockets.push(socket);
  })();
  await until(() => {
    site.clock.advance(1_000);
    return sockets.length === 1;
  }, 'it was called');
  site.clock.advance(600_000);
  await settle();
  assert.equal(sockets.length, 1);
  // After a device has spoken, the next call comes soon.
  await say(sockets[0]!, 'a');
  sockets[0]!.destroy();
  await until(() => site.device('a')?.here === false, 'the line was over');
  await settle();
  site.clock.advance(1_000);
  await until(() => sockets.length === 2, 'it was called again');
  sockets[1]!.destroy();
});

test('the description of a source is checked when it is made', (t) => {
  const wrong = [
    { ...NAMED, dial: 'tcp://127.0.0.1:1' },
    { ...NAMED, listen: undefined },
    { ...NAMED, listen: 'nowhere' },
    { ...NAMED, channel: 'a {id' },
    { ...NAMED, reply: '{' },
    { ...NAMED, frame: { kind: 'fixed', length: 0 } },
  ];
  for (const options of wrong)
    assert.throws(
      () => new Site(t, options as never),
      (error: { code: string }) => ['BAD_OPTION', 'BAD_ADDRESS'].includes(error.code),
    );
});
