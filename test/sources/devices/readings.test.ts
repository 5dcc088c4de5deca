import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZocaloError } from '../../../src/errors.ts';
import { ProtocolError } from '../../../src/protocol/index.ts';
import { connect } from '../../../src/stream/index.ts';
import { settle } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { Site } from './devices.ts';

const LINES = { listen: 'tcp://127.0.0.1:0', frame: { kind: 'lines' }, channel: 'scale', reply: 'OK\n' } as const;

test('a burst of 20,000 lines that comes at once is all stored, in its order, although the log is slow', async (t) => {
  const site = await Site.open(t, LINES);
  site.log.gate = new Promise((open) => setImmediate(open));
  const device = await connect(site.url);
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
  device.end(`${lines.join('\n')}\n`);
  device.resume();
  await until(() => site.log.stored.length === lines.length, 'all lines were stored');
  assert.deepEqual(site.log.data, lines);
});

test('while nothing is stored, no more than a window is handed over, and the socket is not read', async (t) => {
  const site = await Site.open(t, { ...LINES, window: 8 });
  const gate = Promise.withResolvers<void>();
  site.log.gate = gate.promise;
  const device = await connect(site.url);
  t.after(() => device.destroy());
  let taken = 0;
  const total = 64 * 1024 * 1024; // more than the buffers of a connection hold
  const chunk = Buffer.from('x'.repeat(1023).concat('\n').repeat(1024));
  const writeOn = () => {
    while (taken < total && device.write(chunk)) taken += chunk.length;
    taken += chunk.length;
  };
  device.on('drain', writeOn);
  writeOn();
  await until(() => site.log.attempts === 8, 'a window was handed over');
  for (let times = 0; times < 50; times++) await settle();
  assert.equal(site.log.attempts, 8);
  assert.equal(site.source.totals.waiting, 8);
  assert.ok(taken < total, `${taken} bytes were taken`);
  gate.resolve();
});

test('while the log is full nothing is answered, and everything is stored once, in order, when it has room', async (t) => {
  const site = await Site.open(t, LINES);
  site.log.failure = () => new ZocaloError('LOG_FULL', 'the disk is full');
  const device = await connect(site.url);
  t.after(() => device.destroy());
  let heard = '';
  device.on('data', (chunk) => {
    heard += chunk;
  });
  device.write('one\ntwo\nthree\n');
  for (const attempts of [4, 5, 6]) {
    await until(() => site.log.attempts >= attempts - 1, 'it was tried');
    await settle();
    site.clock.advance(5_000);
    await until(() => site.log.attempts === attempts, 'it was tried again');
  }
  assert.equal(heard, '');
  assert.deepEqual([...new Set(site.codes)], ['LOG_FULL']);
  site.log.failure = () => undefined;
  await until(() => {
    site.clock.advance(5_000);
    return heard === 'OK\nOK\nOK\n';
  }, 'all were answered');
  assert.deepEqual(site.log.data, ['one', 'two', 'three']);
});

test('a publication that was stored, but seemed to fail, is tried again with the same key', async (t) => {
  const site = await Site.open(t, LINES);
  site.log.lost = 1;
  const device = await connect(site.url);
  t.after(() => device.destroy());
  device.write('one\ntwo\n');
  const heard = device.lines();
  const both = Promise.all([heard.next(), heard.next()]);
  await until(() => {
    site.clock.advance(100);
    return site.log.attempts === 3;
  }, 'it was tried again');
  await both;
  assert.deepEqual(site.log.data, ['one', 'two']);
});

test('a reading that the channel will never take is passed over without an answer, and the next ones are stored', async (t) => {
  const site = await Site.open(t, LINES);
  site.log.failure = (_channel, data) => (data === 'two' ? new ProtocolError('TOO_LARGE', 'too large') : undefined);
  const device = await connect(site.url);
  let heard = '';
  device.on('data', (chunk) => {
    heard += chunk;
  });
  device.end('one\ntwo\nthree\n');
  await until(() => device.readableEnded, 'the line was over');
  assert.equal(heard, 'OK\nOK\n');
  assert.deepEqual(site.log.data, ['one', 'three']);
  assert.deepEqual(site.codes, ['READING_REFUSED']);
  assert.equal(site.source.totals.refused, 1);
});

test('with a key of its own, a reading that is sent again after its answer was lost is stored once', async (t) => {
  const site = await Site.open(t, {
    ...LINES,
    decode: { kind: 'json' },
    channel: 'scale:{device}',
    device: '{id}',
    key: '{device} {n}',
    time: '{at}',
  });
  for (let times = 0; times < 2; times++) {
    const device = await connect(site.url);
    device.end('{"id":"a","n":1,"at":"2026-08-21T10:42:07"}\n');
    assert.equal(await device.text(), 'OK\n');
  }
  const data = { id: 'a', n: 1, at: '2026-08-21T10:42:07' };
  assert.deepEqual(site.log.stored, [{ channel: 'scale:a', data, key: 'a 1', time: data.at }]);
});

test('only: changed publishes what differs, and answers all', async (t) => {
  const site = await Site.open(t, { ...LINES, only: 'changed' });
  const device = await connect(site.url);
  device.end('1 kg\n1 kg\n2 kg\n2 kg\n1 kg\n');
  assert.equal(await device.text(), 'OK\n'.repeat(5));
  assert.deepEqual(site.log.data, ['1 kg', '2 kg', '1 kg']);
  assert.equal(site.source.totals.unchanged, 2);
});

test('with functions of the application: what they say is published and answered, and one that throws costs its frame only', async (t) => {
  const site = await Site.open(t, {
    ...LINES,
    channel: 'lab',
    decode: async (frame) => {
      const text = frame.toString();
      if (text === 'bad') throw new Error('this is a bug');
      return text === 'ping' ? undefined : { text };
    },
    data: { said: '{text}', from: '{address}' },
    reply: (frame, decoded) => (decoded === undefined ? 'pong\n' : Buffer.from(`${frame.length}\n`)),
  });
  const device = await connect(site.url);
  device.end('hello\nbad\nping\n');
  assert.equal(await device.text(), '5\npong\n');
  assert.deepEqual(site.log.data, [{ said: 'hello', from: '127.0.0.1' }]);
  assert.deepEqual(site.codes, ['FRAME_NOT_DECODED']);
});

test('with a program that is asked: it may name channel and device and say the answer, and what it leaves out is the description’s', async (t) => {
  const asked: unknown[] = [];
  const site = await Site.open(t, {
    ...LINES,
    channel: 'lab:{device}',
    device: '{id}',
    decode: {
      kind: 'ask',
      async ask(frame, { device }) {
        const text = frame.toString();
        asked.push([text, device]);
        if (text === 'login') return { device: 'seven', reply: 'hello\n' };
        if (text === 'elsewhere') return { channel: 'alarm', data: 1, reply: Buffer.from('!\n') };
        return text === 'nowhere' ? { channel: 'a b/*', data: 2 } : { data: { text } };
      },
    },
  });
  const device = await connect(site.url);
  device.end('login\nelsewhere\nnowhere\nfive\n');
  assert.equal(await device.text(), 'hello\n!\nOK\n');
  assert.deepEqual(
    site.log.stored.map(({ channel, data }) => [channel, data]),
    [
      ['alarm', 1],
      ['lab:seven', { text: 'five' }],
    ],
  );
  assert.deepEqual(asked, [
    ['login', undefined],
    ['elsewhere', 'seven'],
    ['nowhere', 'seven'],
    ['five', 'seven'],
  ]);
  assert.deepEqual(site.codes, ['FRAME_NOT_DECODED']);
});

test('the name that a device gives in its first frame stands for all that follow', async (t) => {
  const site = await Site.open(t, {
    ...LINES,
    decode: { kind: 'json' },
    device: '{id}',
    channel: 'scale:{device}',
    data: { kg: '{kg}' },
  });
  const device = await connect(site.url);
  device.end('{"kg":1}\n{"id":"seven"}\n{"kg":2.5}\n');
  // The first has no device yet; the second no weight.
  assert.equal(await device.text(), 'OK\n');
  assert.deepEqual(
    site.log.stored.map(({ channel, data }) => [channel, data]),
    [['scale:seven', { kg: 2.5 }]],
  );
  assert.equal(site.device('seven')?.lastSeen, 1_000_000);
});

test('by UDP, a datagram has whole lines, and a half one does not go on in the next', async (t) => {
  const site = await Site.open(t, { ...LINES, listen: 'udp://127.0.0.1:0' });
  const device = await connect(site.url);
  t.after(() => device.destroy());
  device.write('one\ntwo');
  await until(() => site.log.stored.length === 2, 'both were stored');
  device.write('three\n');
  await until(() => site.log.stored.length === 3, 'the third was stored');
  assert.deepEqual(site.log.data, ['one', 'two', 'three']);
});

test('frames that end with a pause are published when the pause is over', async (t) => {
  const site = await Site.open(t, { ...LINES, frame: { kind: 'idle', gap: 20 } });
  const device = await connect(site.url);
  t.after(() => device.destroy());
  device.write('barcode');
  await until(() => site.clock.pending > 0, 'the bytes had come');
  assert.deepEqual(site.log.data, []);
  await until(() => {
    site.clock.advance(5);
    return site.log.data.length === 1;
  }, 'the pause was over');
  assert.deepEqual(site.log.data, ['barcode']);
});

test('logins are answered and name the device, and are no readings', async (t) => {
  const site = await Site.open(t, { listen: 'tcp://127.0.0.1:0', frame: 'teltonika', channel: 'gps:{device}' });
  const tracker = await connect(site.url);
  t.after(() => tracker.destroy());
  const chunks = tracker[Symbol.asyncIterator]();
  tracker.write(Buffer.from('000f333536333037303432343431303133', 'hex'));
  assert.deepEqual((await chunks.next()).value, Buffer.of(1));
  assert.equal(site.device('356307042441013')?.here, true);
  assert.deepEqual(site.log.data, []);
  // The packet of the maker's description, with one record.
  tracker.write(
    Buffer.from(
      '000000000000003608010000016b40d8ea30010000000000000000000000000000000105021503010101425e0f01f10000601a014e0000000000000000010000c7cf',
      'hex',
    ),
  );
  assert.deepEqual((await chunks.next()).value, Buffer.of(0, 0, 0, 1));
  assert.equal(site.log.stored[0]?.channel, 'gps:356307042441013');
});
