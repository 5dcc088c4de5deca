import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../support/until.ts';
import { DOORS, place } from './device-place.ts';

test('the API lists sources and devices: which are here, what they have sent, and what was wrong', async (t) => {
  const database = 'postgres://user:secret@127.0.0.1:1/shop';
  const { call, device } = await place(t, {
    channels: { 'door:*': {} },
    sources: {
      doors: DOORS,
      shop: { database },
      gone: { dial: 'tcp://127.0.0.1:1', frame: 'lines', channel: 'door:x' },
    },
  });
  const [a, b] = [await device(), await device()];
  a.socket.write('{"id":"a","n":1}\n{"id":"a","n":2}\nwhat?\n');
  for (const n of [1, 2]) assert.equal((await a.lines.next()).value, `OK ${n}`);
  b.socket.write('{"id":"b","n":3}\n');
  assert.equal((await b.lines.next()).value, 'OK 3');
  b.socket.destroy();
  const devices = async (query = '') => (await call('GET', `/api/devices${query}`)).body;
  type Listed = { device: string; here: boolean; errors: number };
  await until(async () => {
    const listed: Listed[] = (await devices()).devices;
    return listed.some(({ device, here }) => device === 'b' && !here) && listed[0]!.errors === 1;
  }, 'b was gone, and the garbage of a was refused');
  const [first, second] = (await devices()).devices;
  const { address, lastSeen, lastError, ...rest } = first;
  assert.deepEqual(rest, { source: 'doors', device: 'a', here: true, frames: 3, errors: 1 });
  assert.equal(address, a.socket.localAddress);
  assert.ok(lastSeen > 0 && lastSeen <= Date.now() && lastError.at <= Date.now());
  assert.deepEqual(
    [lastError.code, /^a frame of 5 bytes is not JSON/.test(lastError.message)],
    ['FRAME_NOT_DECODED', true],
  );
  assert.deepEqual([second.device, second.here, second.address, second.frames], ['b', false, undefined, 1]);
  const page = await devices('?source=doors&limit=1');
  assert.deepEqual([page.devices.length, page.devices[0].device, page.next], [1, 'a', 'doors:a']);
  const last = await devices(`?limit=1&after=${encodeURIComponent(page.next)}`);
  assert.deepEqual([last.devices[0].device, last.next], ['b', undefined]);
  assert.deepEqual((await devices('?source=shop')).devices, []);
  assert.equal((await call('GET', '/api/devices?source=nowhere')).status, 404);

  type Source = { name: string; kind: string; place: string; ok: boolean; error?: string; message?: string };
  const sources = async (): Promise<Source[]> => (await call('GET', '/api/sources')).body.sources;
  await until(
    async () => (await sources()).every(({ name, error }) => name === 'doors' || error !== undefined),
    'told',
  );
  const [doors, shop, gone] = await sources();
  const { message, ...counts } = doors!;
  assert.deepEqual(counts, {
    name: 'doors',
    kind: 'listen',
    place: 'tcp://127.0.0.1:0',
    ok: true,
    failures: 1,
    frames: 4,
    published: 3,
    refused: 1,
    connections: 1,
    waiting: 0,
  });
  assert.match(message!, /is not JSON/);
  assert.deepEqual([shop!.kind, shop!.ok], ['database', false]);
  assert.deepEqual([gone!.kind, gone!.ok, gone!.error], ['dial', false, 'CONNECTION_REFUSED']);
  assert.ok(!JSON.stringify(await sources()).includes('secret'));
  assert.equal((await call('GET', '/api/sources', undefined, '')).status, 401);
  assert.equal((await call('GET', '/api/devices', undefined, '')).status, 401);
});
