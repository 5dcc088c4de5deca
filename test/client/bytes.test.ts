import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { memory, sqlite } from '../../src/broker/index.ts';
import { bytes } from '../../src/client/bytes.ts';
import { answer, Client } from '../../src/client/index.ts';
import { contract } from '../../src/protocol/index.ts';
import { HubPeer, serveHub } from '../server/hub-peer.ts';
import { HttpPeer } from '../support/http-peer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const HOLA = Uint8Array.from(Buffer.from('hola'));
const FORM = { $bytes: 'aG9sYQ==' };

const agreed = contract({
  channels: { camera: z.instanceof(Uint8Array), '*': z.unknown() },
  methods: { reverse: { data: z.instanceof(Uint8Array), result: z.instanceof(Uint8Array) } },
});

for (const kind of ['memory', 'sqlite'])
  test(`bytes go from the SDK and the server through the log in ${kind} to every reader`, async (t) => {
    const broker = kind === 'memory' ? memory() : sqlite(join(temporaryFolder(t), 'log.db'));
    const { hub, url } = await serveHub(t, {
      broker,
      contract: agreed,
      channels: { '*': { patterns: true, presence: true } },
      connect: ({ token }) => ({ user: token ?? 'old' }),
    });
    hub.method('reverse', (data) => (data as Uint8Array).toReversed());
    const watched: unknown[] = [];
    await hub.watch('camera', (_, data) => watched.push(data));
    const client = new Client<typeof agreed>(url, { bytes, token: 'ana' });
    t.after(() => client.close());
    const camera = client.subscribe('camera', { presence: true });
    const heard: unknown[] = [];
    camera.on('message', ({ data }) => heard.push(data));
    client.subscribe('*').on('message', ({ data, channel }) => channel !== 'camera' && heard.push(data));
    await new Promise((resolve) => camera.on('live', resolve));
    const old = await HubPeer.join(t, url);
    await old.ask('sub', 'camera');

    const ours = camera.publish(HOLA);
    assert.deepEqual(client.waiting[0]?.data, HOLA);
    await ours;
    await hub.publish('camera', HOLA);
    await client.publish('mixed', { photo: HOLA, pages: [HOLA, 1] });
    await until(() => heard.length === 3, 'all are heard');
    assert.deepEqual(heard, [HOLA, HOLA, { photo: HOLA, pages: [HOLA, 1] }]);
    assert.deepEqual(watched, [HOLA, HOLA]);
    assert.deepEqual(
      (await client.history('camera')).messages.map(({ data }) => data),
      [HOLA, HOLA],
    );
    assert.deepEqual(
      (await hub.history('camera')).entries.map(([, data]) => data),
      [HOLA, HOLA],
    );
    assert.deepEqual(await client.call('reverse', HOLA), HOLA.toReversed());
    answer<Uint8Array>(client, 'turn', (data) => data.toReversed());
    await until(
      async () =>
        (await hub
          .user('ana')
          .call('turn', HOLA)
          .catch(() => 0)) !== 0,
      'it is answered',
    );
    assert.deepEqual(await hub.user('ana').call('turn', HOLA), HOLA.toReversed());
    await assert.rejects(client.publish('camera', 'hola' as never), { code: 'BAD_DATA' });

    // A client that knows nothing of bytes, on a WebSocket or by requests, gets the form that the protocol states.
    assert.deepEqual(await old.publications(2), [
      [1, FORM],
      [2, FORM],
    ]);
    const peer = await HttpPeer.open(t, url.replace('ws', 'http'));
    await peer.say('["hi",1,{}]\n["sub",2,"camera",{"recent":1}]');
    assert.match(await peer.hears('["m"'), /,\{"\$bytes":"aG9sYQ=="\},/);
    await old.ask('pub', 'camera', FORM);
    await until(() => heard.length === 4, 'an old client publishes the form');
    assert.deepEqual(heard[3], HOLA);
  });

test('what a member shows may have bytes, from its subscription and changed in place', async (t) => {
  const { hub, url } = await serveHub(t, { channels: { '*': { presence: true } } });
  const joined: unknown[] = [];
  hub.observe({ onJoin: ({ data }) => joined.push(data) });
  const client = new Client(url, { bytes });
  const plain = new Client(url);
  t.after(() => [plain, client].map((one) => one.close()));
  const camera = client.subscribe('camera', { presence: true, member: { photo: HOLA } });
  const seen: unknown[] = [];
  camera.on('presence', ({ members }) => seen.push([...members.values()].map(({ data }) => data)));
  await until(() => seen.length === 1, 'it has joined');
  await camera.setMember(HOLA);
  await until(() => seen.length === 2, 'it has changed');
  assert.deepEqual(seen, [[{ photo: HOLA }], [HOLA]]);
  assert.deepEqual(joined, [{ photo: HOLA }]);
  assert.deepEqual((await plain.presence('camera')).members![0]!.data, FORM);
  await assert.rejects(camera.setMember({ count: 1n }), TypeError);
  await assert.rejects(plain.subscribe('camera').setMember(HOLA), TypeError);
});

test('without the option, bytes are refused as before, and other values always are', async (t) => {
  const { url } = await serveHub(t);
  const plain = new Client(url);
  const client = new Client(url, { bytes });
  t.after(() => [plain, client].map((one) => one.close()));
  await assert.rejects(plain.publish('a', HOLA), {
    name: 'TypeError',
    message: /not JSON at "\d*": \[object Uint8Array]/,
  });
  for (const value of [
    1n,
    Number.NaN,
    new Map(),
    new Float64Array(1),
    [undefined],
    { list: [HOLA, Number.NaN] },
    () => {},
  ])
    await assert.rejects(client.publish('a', value), TypeError);
});
