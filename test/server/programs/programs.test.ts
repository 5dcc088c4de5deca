import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Client } from '../../../src/client/index.ts';
import type { ConfigInput } from '../../../src/server/config/index.ts';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { isAlive } from '../../programs/set-up.ts';
import { startDaemon } from '../../support/daemon.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

/** Somebody who writes down what comes in a channel. */
function listener(client: Client, channel: string, recent = 0) {
  const heard: unknown[] = [];
  const subscription = client.subscribe<unknown>(channel, { recent });
  subscription.on('message', ({ data }) => void heard.push(data));
  return { heard, subscription, hears: (count: number) => until(() => heard.length >= count, `${count} lines came`) };
}

/** A channel's program that says its process id in its first line. */
const pidOf = (heard: readonly unknown[]) => Number(/^pid (\d+)$/.exec(String(heard[0]))![1]);

function start(t: TestContext, programs: NonNullable<ConfigInput['programs']>, more: ConfigInput = {}) {
  return startDaemon(t, { programs, chat: false, ...more });
}

test('tail -F of a log: its lines are publications, also when the log is rotated, and late comers see the last ones', async (t) => {
  const log = join(temporaryFolder(t), 'access.log');
  writeFileSync(log, 'GET /0\n');
  const { client } = await start(t, { 'log:nginx': `tail -F '${log}'` });
  const ana = listener(client(), 'log:nginx');
  await ana.hears(1);
  appendFileSync(log, 'GET /1 "ñ" \\ \nGET /2\n');
  await ana.hears(3);
  renameSync(log, `${log}.1`);
  writeFileSync(log, 'GET /3\n');
  await ana.hears(4);
  assert.deepEqual(ana.heard, ['GET /0', 'GET /1 "ñ" \\ ', 'GET /2', 'GET /3']);
  const late = listener(client(), 'log:nginx', 2);
  await late.hears(2);
  assert.deepEqual(late.heard, ['GET /2', 'GET /3']);
});

test('a program is started with the first subscriber, runs once for all, and ends some time after the last', async (t) => {
  const folder = temporaryFolder(t);
  const starts = join(folder, 'starts');
  const run = ['bash', '-c', `echo x >> ${starts}; echo pid $$; while read -r -t 60; do :; done <> <(:)`];
  const { client } = await start(t, { ticks: { run, linger: '200ms' } });
  assert.ok(!existsSync(starts));
  const [first, second] = [client(), client()];
  const ana = listener(first, 'ticks');
  await ana.hears(1);
  const luis = listener(second, 'ticks', 5);
  await luis.hears(1);
  const pid = pidOf(ana.heard);
  first.close();
  assert.ok(isAlive(pid));
  second.close();
  await until(() => !isAlive(-pid), 'it ended');
  assert.equal(readFileSync(starts, 'utf8'), 'x\n');
  const again = listener(client(), 'ticks');
  await again.hears(1);
  assert.notEqual(pidOf(again.heard), pid);
});

test('a plain WebSocket listens as well, and a subscriber who is back within the time finds the same process', async (t) => {
  const { url, daemon } = await start(t, {
    ticks: { run: ['bash', '-c', 'echo pid $$; exec sleep 60'], linger: '1h' },
  });
  const join = () => connectWebSocket(`${url.replace('http', 'ws')}/ticks`);
  const one = await join();
  const { value } = await one[Symbol.asyncIterator]().next();
  const pid = Number(String(value).slice(4));
  await one.close();
  await until(() => !daemon.hub.channels.includes('ticks'), 'the channel is empty');
  const two = await join();
  await until(() => daemon.hub.channels.includes('ticks'), 'the channel is used again');
  assert.ok(isAlive(pid));
  assert.equal((await daemon.hub.history('ticks')).entries.length, 1);
  await two.close();
  await daemon.stop();
  await until(() => !isAlive(-pid), 'it ended with the daemon');
});

test('with json, a line that is JSON is published as its text stands, and any other line as a text', async (t) => {
  const run = ['bash', '-c', `echo '{ "n": 12345678901234567890 }'; echo '[1,'; echo 7; exec sleep 60`];
  const { client, daemon } = await start(t, { ticks: { run, json: true } });
  const ana = listener(client(), 'ticks');
  await ana.hears(3);
  assert.deepEqual(ana.heard.slice(1), ['[1,', 7]);
  assert.equal((await daemon.hub.history('ticks')).entries.length, 3);
  const response = await fetch(`${daemon.addresses[0]}/api/history?channel=ticks`, {
    headers: { authorization: `Bearer ${'k'.repeat(40)}` },
  });
  assert.match(await response.text(), /12345678901234567890/);
});

test('with stdin, what others publish goes to the program as lines, and what it says itself does not come back', async (t) => {
  const run = ['bash', '-c', 'while read -r line; do echo "got $line"; done'];
  const programs = { bot: { run, stdin: true } };
  const { client, call } = await start(t, programs, { channels: { bot: { publish: 'everyone' } } });
  const one = client();
  const ana = listener(one, 'bot');
  await until(() => ana.subscription.state === 'live', 'she listens');
  await one.publish('bot', 'two\nlines; $(touch evil)');
  await ana.hears(2);
  await call('POST', '/api/publish', { channel: 'bot', data: { n: 1 } });
  await ana.hears(4);
  assert.deepEqual(ana.heard, ['two\nlines; $(touch evil)', 'got two lines; $(touch evil)', { n: 1 }, 'got {"n":1}']);
});

test('what is published while the program starts waits for it', async (t) => {
  const { client, daemon } = await start(t, {
    bot: { run: ['bash', '-c', 'read -r line; echo "got $line"'], stdin: true },
  });
  const ana = listener(client(), 'bot');
  await until(() => daemon.hub.channels.includes('bot'), 'she comes');
  await daemon.hub.publish('bot', 'early');
  await until(() => ana.heard.includes('got early'), 'the program has read it');
});

test('a program that ends is started again while somebody listens, and the log has its last lines', async (t) => {
  const { client, log } = await start(t, { ticks: ['bash', '-c', 'echo here; echo "no database" >&2; exit 3'] });
  const one = client();
  const ana = listener(one, 'ticks');
  await ana.hears(3);
  one.close();
  const { fields } = log.lines.find(({ sentence }) => sentence === 'a program ended, and is started again')!;
  assert.deepEqual([fields.program, fields.exitCode, fields.lastLines], ['ticks', 3, ['no database']]);
  assert.equal((fields.err as { code: string }).code, 'PROGRAM_ENDED');
});

test('a program that cannot be started is an error in the log, and no other channel notices', async (t) => {
  const { client, log } = await start(t, {
    broken: 'no-such-program-here',
    works: ['bash', '-c', 'echo ok; exec sleep 60'],
  });
  const one = client();
  listener(one, 'broken');
  const works = listener(one, 'works');
  await works.hears(1);
  const codes = () => log.lines.map(({ fields }) => (fields.err as { code?: string } | undefined)?.code);
  await until(() => codes().includes('PROGRAM_NOT_FOUND'), 'it was logged');
});

test('a line that the channel does not take is left out and logged, and the next one comes', async (t) => {
  const run = ['python3', '-c', 'print("x" * 2000); print("short", flush=True); import time; time.sleep(60)'];
  const { client, log } = await start(t, { ticks: run }, { channels: { ticks: { maxData: 1000 } } });
  const ana = listener(client(), 'ticks');
  await ana.hears(1);
  assert.deepEqual(ana.heard, ['short']);
  const { fields } = log.lines.find(({ sentence }) => sentence === 'a line was not published')!;
  assert.match((fields.err as Error).message, /program of ticks could not be published: .*larger than the 1000 bytes/);
});

test('a flood of lines arrives whole and in order', async (t) => {
  const { client } = await start(
    t,
    { ticks: ['bash', '-c', 'seq 1 20000; exec sleep 60'] },
    { limits: { queue: '16MiB' } },
  );
  const ana = listener(client(), 'ticks');
  await ana.hears(20_000);
  assert.deepEqual(
    ana.heard,
    Array.from({ length: 20_000 }, (_, at) => String(at + 1)),
  );
});

test('the daemon takes its programs along when it stops, also those that do not want to', async (t) => {
  const run = ['bash', '-c', 'trap "" INT TERM; echo pid $$; while :; do sleep 0.1; done'];
  const { client, daemon } = await start(t, { ticks: run });
  const ana = listener(client(), 'ticks');
  await ana.hears(1);
  await daemon.stop();
  await until(() => !isAlive(-pidOf(ana.heard)), 'nothing of it is left');
});
