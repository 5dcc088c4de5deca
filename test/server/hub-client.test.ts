import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/client/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { Program } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { turn } from '../support/turn.ts';
import { serveHub } from './hub-peer.ts';

const CHANNEL = 'chat:42';

function clientOf(t: TestContext, url: string, token?: string): Client {
  const client = new Client(url, { ...(token !== undefined && { token: () => token }), random: () => 0 });
  t.after(() => client.close());
  return client;
}

test('the SDK and the hub lose and repeat nothing, however often the connection is cut', async (t) => {
  const { server, url, errors } = await serveHub(t);
  const [ana, luis] = [clientOf(t, url), clientOf(t, url)];
  const chat = luis.subscribe<number>(CHANNEL);
  const loop = chat[Symbol.asyncIterator]();
  await ana.publish(CHANNEL, 0);
  await new Promise<void>((resolve) => {
    if (chat.state === 'live') resolve();
    else chat.on('state', (state) => state === 'live' && resolve());
  });
  const published: Promise<unknown>[] = [];
  let expected: number | undefined;
  for (let n = 1; n <= 300; n++) {
    published.push(ana.publish(CHANNEL, n));
    if (n % 50 === 0) for (const user of server.users) user.terminate();
    if (n % 10 === 0) await turn();
  }
  const positions = (await Promise.all(published)) as [string, number][];
  assert.deepEqual(
    positions.map(([, offset]) => offset),
    Array.from({ length: 300 }, (_, n) => n + 2),
  );
  while (expected !== 301) {
    const { value } = await loop.next();
    expected ??= value!.data;
    assert.equal(value!.data, expected++);
  }
  assert.deepEqual(errors, []);
});

test('the SDK sees the members, calls methods and receives what is sent to its user', async (t) => {
  const { hub, url } = await serveHub(t, {
    channels: { '*': { presence: true } },
    connect: ({ token }) => (token ? { user: token } : null),
  });
  hub.method('add', (data) => (data as number[]).reduce((a, b) => a + b));
  const [ana, luis] = [clientOf(t, url, 'ana'), clientOf(t, url, 'luis')];
  assert.equal(await ana.call('add', [1, 2, 3]), 6);
  const chat = ana.subscribe(CHANNEL, { presence: true, member: { name: 'Ana' } });
  const came = new Promise((resolve) =>
    chat.on('presence', () => hub.presence(CHANNEL).count === 2 && resolve(undefined)),
  );
  luis.subscribe(CHANNEL, { member: { name: 'Luis' } });
  await came;
  assert.deepEqual(
    hub
      .presence(CHANNEL)
      .members?.map(({ id }) => id)
      .sort(),
    ['ana', 'luis'],
  );
  await assert.rejects(ana.call('fly'), { code: 'NO_SUCH_METHOD' });
});

test('examples/hub.ts keeps messages over a restart', async (t) => {
  const folder = temporaryFolder(t);
  const start = async () => {
    const file = fileURLToPath(new URL('../../examples/hub.ts', import.meta.url));
    const program = new Program('env', ['PORT=0', `FILE=${join(folder, 'square.db')}`, process.execPath, file]);
    t.after(() => program.stop('SIGKILL'));
    const [, port] = await program.says(/ws:\S+:(\d+)/);
    return { program, url: `ws://localhost:${port}` };
  };
  let { program, url } = await start();
  const plain = await connectWebSocket(`${url}/${CHANNEL}`);
  const ana = clientOf(t, url, 'ana');
  const chat = ana.subscribe(CHANNEL, { recent: 1 })[Symbol.asyncIterator]();
  plain.send('¿hay alguien?');
  const { value } = await chat.next();
  assert.equal(value!.data, '¿hay alguien?');
  assert.equal(await ana.call('rename', 'Anita'), true);
  await assert.rejects(ana.publish('news', 'false'), { code: 'FORBIDDEN' });
  assert.equal(await program.stop('SIGTERM'), 0);
  ({ program, url } = await start());
  const luis = clientOf(t, url, 'luis');
  const again = await luis.subscribe(CHANNEL, { recent: 1 })[Symbol.asyncIterator]().next();
  assert.equal(again.value!.data, '¿hay alguien?');
  assert.equal(await program.stop('SIGINT'), 0);
});
