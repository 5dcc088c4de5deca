import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZocaloError } from '../../../src/errors.ts';
import { ProtocolError } from '../../../src/protocol/index.ts';
import { type PushOptions, PushSource } from '../../../src/sources/push/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { settle } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { FakeLog } from '../devices/devices.ts';

class Clocks {
  readonly log = new FakeLog();
  readonly clock = new FakeClock();
  readonly codes: string[] = [];
  readonly source: PushSource;

  constructor(options: Partial<PushOptions> = {}) {
    this.source = new PushSource(
      {
        push: 'zkteco-push',
        ids: ['A1', 'B2'],
        channel: 'clock:{device}',
        data: { user: '{user}', at: '{time}' },
        ...options,
      },
      {
        publish: this.log.publish,
        report: ({ code }) => this.codes.push(code),
        clock: this.clock,
        now: () => 1_000_000 + this.clock.now(),
      },
    );
  }

  async call(
    method: string,
    target: string,
    body = '',
    { address = '192.0.2.9', signal = new AbortController().signal } = {},
  ) {
    const { pathname, searchParams } = new URL(target, 'http://x');
    return this.source.answer({ method, path: pathname, query: searchParams, address, body, signal });
  }
}

const LINES = '7\t2026-08-21 10:42:07\t0\t1\t0\n8\t2026-08-21 10:42:09\t0\t1\t0\n';

const QUIET = { frames: 0, errors: 0, lastError: undefined };

test('a device gets its settings, and what it sends is stored before it gets OK', async () => {
  const site = new Clocks();
  const hello = await site.call('GET', '/iclock/cdata?SN=A1&options=all&pushver=2.2.14');
  assert.match(hello.text, /^GET OPTION FROM: A1\nATTLOGStamp=None\n[\s\S]*\nRealtime=1\n/);
  const gate = Promise.withResolvers<void>();
  site.log.gate = gate.promise;
  let answer: string | undefined;
  void site.call('POST', '/iclock/cdata?SN=A1&table=ATTLOG&Stamp=9999', LINES).then(({ text }) => {
    answer = text;
  });
  await until(() => site.log.attempts === 2, 'both were handed over');
  await settle();
  assert.equal(answer, undefined);
  gate.resolve();
  await until(() => answer !== undefined, 'it was answered');
  assert.equal(answer, 'OK: 2');
  assert.deepEqual(
    site.log.stored.map(({ channel, data }) => [channel, data]),
    [
      ['clock:A1', { user: '7', at: '2026-08-21 10:42:07' }],
      ['clock:A1', { user: '8', at: '2026-08-21 10:42:09' }],
    ],
  );
});

test('what is sent again because its answer was lost is stored once', async () => {
  const site = new Clocks();
  for (let times = 0; times < 2; times++) await site.call('POST', '/iclock/cdata?SN=A1&table=ATTLOG', LINES);
  assert.equal((await site.call('POST', '/iclock/cdata?SN=B2&table=ATTLOG', LINES)).text, 'OK: 2');
  assert.deepEqual(
    site.log.stored.map(({ channel }) => channel),
    ['clock:A1', 'clock:A1', 'clock:B2', 'clock:B2'],
  );
});

test('while nothing can be stored there is no answer, and what nobody waits for is not tried again', async () => {
  const site = new Clocks();
  site.log.failure = () => new ZocaloError('LOG_FULL', 'the disk is full');
  const gone = new AbortController();
  const answer = assert.rejects(site.call('POST', '/iclock/cdata?SN=A1&table=ATTLOG', LINES, { signal: gone.signal }));
  await until(() => site.codes.includes('LOG_FULL'), 'it was tried');
  gone.abort();
  await answer;
  assert.equal(site.clock.pending, 0);
  assert.equal(site.source.totals.waiting, 0);
});

test('a line that cannot be read, or is never taken, costs no other one, and is not asked for again', async () => {
  const site = new Clocks();
  site.log.failure = (_channel, data) =>
    (data as { user: string }).user === '8' ? new ProtocolError('TOO_LARGE', 'x') : undefined;
  const { text } = await site.call('POST', '/iclock/cdata?SN=A1&table=ATTLOG', `garbage\n${LINES}`);
  assert.equal(text, 'OK: 3');
  assert.equal(site.log.stored.length, 1);
  assert.deepEqual(site.codes, ['FRAME_NOT_DECODED', 'READING_REFUSED']);
  assert.equal(site.source.totals.refused, 2);
});

test('a serial number or an address that is not on the list is refused', async () => {
  const site = new Clocks({ addresses: ['192.0.2.0/24'] });
  for (const [target, address] of [
    ['/iclock/cdata?SN=C3&table=ATTLOG', '192.0.2.9'],
    ['/iclock/cdata?table=ATTLOG', '192.0.2.10'],
    ['/iclock/cdata?SN=A1&table=ATTLOG', '198.51.100.1'],
  ] as const)
    assert.equal((await site.call('POST', target, LINES, { address })).status, 403);
  assert.deepEqual(site.log.stored, []);
  assert.deepEqual(site.codes, ['DEVICE_REFUSED', 'DEVICE_REFUSED', 'DEVICE_REFUSED']);
});

test('a command is handed over when the device asks, and again after a minute unless it says how it went', async () => {
  const site = new Clocks();
  const ask = async () => (await site.call('GET', '/iclock/getrequest?SN=A1')).text;
  assert.equal(await ask(), 'OK');
  void site.source.send('A1', 'REBOOT');
  void site.source.send('A1', 'CHECK');
  assert.equal(await ask(), 'C:1000:REBOOT\nC:1001:CHECK\n');
  assert.equal(await ask(), 'OK');
  await site.call('POST', '/iclock/devicecmd?SN=A1', 'ID=1000&Return=0&CMD=REBOOT\n');
  site.clock.advance(60_000);
  assert.equal(await ask(), 'C:1001:CHECK\n');
  await site.call('POST', '/iclock/devicecmd?SN=A1', 'ID=1001&Return=-1002&CMD=CHECK\n');
  assert.deepEqual(site.codes, ['COMMAND_FAILED']);
  site.clock.advance(60_000);
  assert.equal(await ask(), 'OK');
  assert.throws(() => site.source.send('C3', 'CHECK'), { code: 'DEVICE_REFUSED' });
  assert.throws(() => site.source.send('A1', 'A\nC:9:B'), { code: 'FRAME_NOT_ENCODED' });
  for (let count = 0; count < 100; count++) void site.source.send('B2', 'CHECK');
  assert.throws(() => site.source.send('B2', 'CHECK'), { code: 'COMMANDS_FULL' });
});

test('a device is here while it calls', async () => {
  const site = new Clocks();
  assert.equal(site.source.devices.length, 0);
  await site.call('GET', '/iclock/getrequest?SN=A1');
  assert.deepEqual(site.source.devices, [
    { device: 'A1', here: true, address: '192.0.2.9', lastSeen: 1_000_000, waiting: 0, ...QUIET },
  ]);
  site.clock.advance(150_000);
  assert.equal(site.source.devices[0]?.here, false);
});

test('other calls of a device are answered, and unknown ones refused', async () => {
  const site = new Clocks();
  assert.equal((await site.call('POST', '/iclock/cdata?SN=A1&table=OPERLOG', 'OPLOG 4')).text, 'OK');
  assert.equal((await site.call('GET', '/iclock/ping?SN=A1')).text, 'OK');
  assert.equal((await site.call('GET', '/iclock/secret?SN=A1')).status, 404);
  assert.deepEqual(site.log.stored, []);
});
