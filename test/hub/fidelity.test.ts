import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { contract, JsonText } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { FakeWire, type Guest, square } from './fake-wire.ts';

/** Two texts that JavaScript takes for the same number, and one that it takes for none. */
const LONG = '{"id":1163456789012345678}';
const LONGER = '{"id":1163456789012345679}';
const HUGE = '[1e400,-0,1.10,"\\u0041"]';

/** The texts that came, answers left aside. */
const textsOf = (guest: Guest) => guest.wire.texts.filter((text) => !text.startsWith('["ok"'));

test('every reader gets the data as the published text', async () => {
  const { hub, guest, fanOut } = await square({ channels: { '*': { presence: true, patterns: true } } });
  const [natalia, luis, all] = [await guest(), await guest(), await guest()];
  const plain = new FakeWire();
  plain.plain = true;
  fanOut.wires.add(plain);
  hub.connectText(plain, 'a');
  await luis.ask('sub', 'a');
  await all.ask('sub', '*');
  const published: [string, unknown][] = [];
  hub.observe({ onPublished: ({ data, position }) => published.push([data, position?.[1]]) });
  natalia.connection.receive(`["pub",90,"a",${LONG},{"key":"1"}]\n["pub",91,"a", ${HUGE.replaceAll(',', ' ,\t')} ]`);
  await settle();
  natalia.connection.receive(`["pub",92,"a",${LONGER},{"keep":false}]`);
  await settle();
  for (const reader of [luis, all]) {
    const lines = textsOf(reader).filter((text) => text.startsWith('["m"'));
    assert.deepEqual(
      lines.map((line, at) => line.includes(`,${[LONG, HUGE, LONGER][at]}`)),
      [true, true, true],
      lines.join('\n'),
    );
  }
  assert.deepEqual(plain.texts, [LONG, HUGE, LONGER]);
  assert.deepEqual(published, [
    [LONG, 1],
    [HUGE, 2],
    [LONGER, undefined],
  ]);
  const late = await guest();
  await late.ask('sub', 'a', { recent: 2 });
  assert.match(textsOf(late).join('\n'), new RegExp(`,1,${escaped(LONG)},.*,2,${escaped(HUGE)},`, 's'));
  await late.ask('get', 'history', 'a');
  const answer = late.wire.texts.at(-1)!;
  assert.ok(answer.includes(`[1,${LONG},{`) && answer.includes(`[2,${HUGE},{`), answer);
  assert.ok((await hub.historyText('a')).text.includes(`[2,${HUGE},{`));
});

test('other data under a used key is refused, even if JavaScript would parse it as equal', async () => {
  const { guest } = await square();
  const natalia = await guest();
  const code = async (text: string) => {
    natalia.connection.receive(`["pub",9,"a",${text},{"key":"k"}]`);
    await settle();
    return JSON.parse(natalia.wire.texts.at(-1)!)[2];
  };
  const { at } = await code(LONG);
  assert.equal(await code(LONGER), 'KEY_REUSED');
  assert.deepEqual((await code(` {"id" :\t1163456789012345678 }`)).at, at, 'white space is no other data');
  assert.equal(await code('{"id":1163456789012345678.0}'), 'KEY_REUSED');
});

test('members, direct messages and calls keep the text of their data', async () => {
  const { hub, guest } = await square({ channels: { '*': { presence: true } }, connect: () => ({ user: 'natalia' }) });
  hub.method('same', (data) => data);
  hub.method('long', () => JsonText.parse(LONG));
  const [natalia, luis] = [await guest(), await guest()];
  await luis.ask('sub', 'a', { presence: true });
  natalia.connection.receive(`["sub",90,"a",{"member": ${LONG} , "presence":true}]`);
  await settle();
  const member = `{"id":"natalia","data":${LONG}}`;
  assert.ok(textsOf(luis).some((text) => text.startsWith('["+"') && text.endsWith(`,${member}]`)));
  assert.ok(natalia.wire.texts.some((text) => text.includes(`"members":[${member}]`)));
  await luis.ask('get', 'presence', 'a');
  assert.ok(luis.wire.texts.at(-1)!.endsWith(`{"count":1,"members":[${member}]}]`));
  hub.user('natalia').send(JsonText.parse(HUGE));
  assert.equal(natalia.wire.texts.at(-1), `["to",${HUGE}]`);
  await natalia.ask('call', 'long');
  assert.ok(natalia.wire.texts.at(-1)!.endsWith(`,${LONG}]`));
  assert.deepEqual(await natalia.ask('call', 'same', { a: 1 }), { a: 1 }, 'a handler gets a value');
});

test('a schema that changes nothing keeps the text; otherwise its output is stored', async () => {
  const agreed = contract({
    channels: { same: z.looseObject({ id: z.number() }), other: z.object({ id: z.number().transform(() => 1) }) },
  });
  const { hub, guest } = await square({ contract: agreed });
  const natalia = await guest();
  natalia.connection.receive(`["pub",90,"same",${LONG.replace('}', ',"x":1e400}')}]\n["pub",91,"other",${LONG}]`);
  await settle();
  assert.ok((await hub.historyText('same')).text.includes('[1,{"id":1163456789012345678,"x":1e400},'));
  assert.ok((await hub.historyText('other')).text.includes('[1,{"id":1},'));
  natalia.connection.receive('["pub",92,"same",{"id":"1"}]');
  await settle();
  assert.match(natalia.wire.texts.at(-1)!, /BAD_DATA/);
});

test('a slow reader gets the newest publication of each key, even where keys are longer than a JavaScript number', async () => {
  const { hub, guest } = await square({ channels: { '*': { slow: 'latest', latestBy: 'id' } } });
  const luis = await guest();
  await luis.ask('sub', 'a');
  luis.wire.stick();
  luis.connection.slow();
  for (const text of [LONG, LONGER, '{"id":"é"}', '{"id":"\\u00e9"}']) await hub.publish('a', JsonText.parse(text));
  luis.wire.free();
  await settle();
  const lines = textsOf(luis).join('\n');
  assert.ok(lines.includes(LONG) && lines.includes(LONGER), lines);
  assert.ok(!lines.includes('"é"') && lines.includes('"\\u00e9"'), 'a text is the same however it was escaped');
});

test('a program can publish exact numbers, and other values as JSON.stringify writes them', async () => {
  const { hub } = await square();
  await hub.publish('a', JsonText.parse(LONG));
  await hub.publish('a', { id: (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('1e400') });
  await assert.rejects(() => hub.publish('a', { id: 1n }), { code: 'BAD_DATA' });
  const { text } = await hub.historyText('a');
  assert.ok(text.includes(`[1,${LONG},`) && text.includes('[2,{"id":1e400},'), text);
});

test('a text connection gets a string as its characters, but one with half a surrogate pair as JSON', async () => {
  const { hub, fanOut } = await square();
  const plain = new FakeWire();
  plain.plain = true;
  fanOut.wires.add(plain);
  hub.connectText(plain, 'a');
  await settle();
  for (const text of ['"\\u00e9\\u2028"', '"\\ud83d\\ude00"', '"\\ud800"'])
    await hub.publish('a', JsonText.parse(text));
  assert.deepEqual(plain.texts, ['é\u2028', '😀', '"\\ud800"']);
});

test('what public calls return can be excluded: the caller of a method, and a connection of a user', async () => {
  const { hub, guest } = await square({ connect: ({ token = '' }) => ({ user: token }) });
  hub.method('say', async (data, who) => void (await hub.publish('a', data, { except: who })));
  const [natalia, luis] = [await guest({ token: 'natalia' }), await guest({ token: 'luis' })];
  for (const one of [natalia, luis]) await one.ask('sub', 'a');
  for (const one of [natalia, luis]) one.take();
  await natalia.ask('call', 'say', 1);
  await hub.publish('a', 2, { except: hub.user('natalia').connections[0]! });
  const heard = (one: Guest) => one.take().flatMap(([verb, , offset]) => (verb === 'ok' ? [] : [`${verb} ${offset}`]));
  assert.deepEqual(
    [heard(natalia), heard(luis)],
    [
      ['skip 1', 'skip 2'],
      ['m 1', 'm 2'],
    ],
  );
});

test("an excluded connection is excluded only from publications under its own key, and gets the others' same data", async () => {
  const { hub, guest } = await square();
  const [natalia, luis] = [await guest(), await guest()];
  for (const one of [natalia, luis]) await one.ask('sub', 'a');
  for (const one of [natalia, luis]) one.take();
  await natalia.ask('pub', 'a', 1, { echo: false });
  await luis.ask('pub', 'a', 1, { echo: false });
  await hub.publish('a', 2, { except: natalia.connection });
  await natalia.ask('pub', 'a', 3, { echo: false, key: 'mine' });
  const metas = (await hub.history('a')).entries.map(([, , { time: _, ...meta } = {}]) => meta);
  assert.deepEqual(metas, [{}, {}, {}, { key: 'mine' }]);
  const heard = (one: Guest) => one.take().map(([verb, , offset]) => [verb, offset]);
  assert.deepEqual(heard(natalia), [
    ['skip', 1],
    ['m', 2],
    ['skip', 3],
    ['skip', 4],
  ]);
  assert.deepEqual(heard(luis), [
    ['m', 1],
    ['skip', 2],
    ['m', 3],
    ['m', 4],
  ]);
});

test('equal keys of an anonymous client, a user and the server are three different keys', async () => {
  const { hub, guest } = await square({ connect: ({ token }) => (token ? { user: token } : {}) });
  const stranger = await guest();
  const natalia = await guest({ token: 'natalia' });
  const luis = await guest({ token: 'luis' });
  const keys = ['k', '- k', '"natalia" k', '+ k', '+ - k', '- "natalia" k'];
  let count = 0;
  for (const key of keys) {
    for (const one of [stranger, natalia, luis])
      assert.ok(typeof (await one.ask('pub', 'a', ++count, { key })) === 'object', `${key} was taken already`);
    await hub.publish('a', ++count, { key });
    await assert.rejects(() => hub.publish('a', -1, { key }), { code: 'KEY_REUSED' });
    assert.equal(await stranger.ask('pub', 'a', -1, { key }), 'KEY_REUSED');
  }
  assert.equal((await hub.history('a')).head, keys.length * 4);
});

function escaped(text: string): string {
  return text.replace(/[[\]{}.\\+*?()|^$]/g, '\\$&');
}
