import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ConfigInput, configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { application } from '../auth/auth-fixture.ts';

/** Answers each publication with its own mark in place of the data, and notes its process in a file. */
const WORKER = `
import { appendFileSync, createReadStream, writeSync } from 'node:fs';
const [, , mark, pids] = process.argv;
appendFileSync(pids, process.pid + '\\n');
let rest = '';
for await (const piece of createReadStream('', { fd: 3, encoding: 'utf8' })) {
  const lines = (rest + piece).split('\\n');
  rest = lines.pop();
  for (const line of lines) {
    const [, number, { data }] = JSON.parse(line);
    writeSync(4, JSON.stringify(['ok', number, { allow: true, data: { mark, was: data } }]) + '\\n');
  }
}
`;

function worker(t: TestContext) {
  const folder = temporaryFolder(t);
  const file = join(folder, 'worker.mjs');
  const pids = join(folder, 'pids');
  writeFileSync(file, WORKER);
  return {
    run: (mark: string) => [process.execPath, file, mark, pids],
    pids: () => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split('\n').map(Number) : []),
  };
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const config = (keys: object): ConfigInput => ({
  channels: { room: { publish: 'everyone', history: { size: 100_000 } } },
  handlers: { shop: { events: ['publish'], channels: 'room', timeout: '20s', ...keys } },
});

test('while a handler is replaced again and again, no publication fails, and none is let through unasked', async (t) => {
  const { run, pids } = worker(t);
  const url = await application(t, ({ body }, response) => {
    response.end(JSON.stringify({ allow: true, data: { mark: 'http', was: JSON.parse(body).data } }));
  });
  const kinds = [
    { run: run('a') },
    { url },
    { run: run('b'), workers: 2 },
    { run: run('c'), workers: 2, timeout: '21s' },
  ];
  const { daemon, client, log } = await startDaemon(t, config(kinds[0]!));
  let isOver = false;
  let published = 0;
  const publishAll = async () => {
    const person = client();
    const order: number[] = [];
    for (let n = 0; !isOver; n++) {
      const [, offset] = (await person.publish('room', { n }))!;
      order.push(offset);
      published++;
    }
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  };
  const all = Promise.all([publishAll(), publishAll(), publishAll(), publishAll()]);
  for (let n = 1; n <= 12; n++) {
    const until0 = published + 20;
    // Some of them one right after the other: what waits for the first must not be lost by the second.
    if (n % 3 !== 0) await until(() => published >= until0, 'some more are published');
    await daemon.reload(configOf({ ...config(kinds[n % kinds.length]!), listen: daemon.config.listen }));
  }
  isOver = true;
  await all;
  const { entries } = await daemon.hub.history('room', { limit: 10_000 });
  assert.equal(entries.length, published);
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'error'),
    [],
  );
  assert.deepEqual(
    entries.filter(([, data]) => typeof (data as { mark?: unknown }).mark !== 'string'),
    [],
  );
  await until(() => pids().filter(lives).length <= 1, 'the earlier workers are gone');
});

/** A daemon whose calls go to an application that answers when it is told to. */
async function startHeld(t: TestContext, timeout: string) {
  const held: (() => void)[] = [];
  const slow = await application(t, (_, response) => held.push(() => response.end('{"result":"slow"}')));
  const quick = await application(t, (_, response) => response.end('{"result":"quick"}'));
  const shop = (keys: object): ConfigInput => ({ handlers: { shop: { events: ['call'], methods: '*', ...keys } } });
  let received = 0;
  const { daemon, client } = await startDaemon(t, shop({ url: slow, timeout }));
  daemon.hub.observe({ onReceived: () => received++ });
  const reload = (keys: object) => daemon.reload(configOf({ ...shop(keys), listen: daemon.config.listen }));
  return { held, quick, reload, person: client(), received: () => received };
}

test('what waits for the handler before survives a second reload', async (t) => {
  const { held, quick, reload, person, received } = await startHeld(t, '20s');
  const first = person.call('a', 1);
  await until(() => held.length === 1, 'it is asked');
  await reload({ url: quick, timeout: '21s' });
  const before = received();
  const second = person.call('a', 2);
  await until(() => received() > before, 'it has come');
  await reload({ url: quick, timeout: '22s' });
  const third = person.call('a', 4);
  held[0]!();
  assert.deepEqual(await Promise.all([first, second, third]), ['slow', 'quick', 'quick']);
});

test('a new handler does not wait for the end of one that hangs, and not with more than may wait', async (t) => {
  const { held, quick, reload, person } = await startHeld(t, '1m');
  void person.call('a', 1).catch(() => {});
  await until(() => held.length === 1, 'it is asked');
  await reload({ url: quick, timeout: '200ms', waiting: 5 });
  const begun = performance.now();
  const codes = await Promise.all(
    Array.from({ length: 60 }, () => person.call('a', 2).then(String, ({ code }) => code)),
  );
  assert.ok(performance.now() - begun < 10_000);
  assert.deepEqual(new Set(codes), new Set(['UNAVAILABLE']));
});
