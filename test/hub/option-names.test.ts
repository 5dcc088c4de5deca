import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory, sqlite } from '../../src/broker/index.ts';
import type { ZocaloError } from '../../src/errors.ts';
import { type ChannelOptions, Hub, type Identity } from '../../src/hub/index.ts';
import { settle } from '../support/turn.ts';
import { Guest, square } from './fake-wire.ts';

/** A mistake that the compiler would have found: programs in JavaScript, and options that were read from somewhere. */
const misspelt = (options: object) => options as never;
const channel = (options: object) => new Hub({ broker: memory(), channels: { 'chat:*': options as ChannelOptions } });

for (const [what, make, sentence] of [
  ['the hub', () => new Hub(misspelt({ broker: memory(), chanels: {} })), 'option chanels of the hub; did you mean channels?'],
  ['its limits', () => new Hub({ broker: memory(), limits: misspelt({ request: 5 }) }), 'option request among the limits of the hub; did you mean requests?'],
  ['a channel', () => channel({ publsh: false }), 'option publsh of channels["chat:*"]; did you mean publish?'],
  ['a history', () => channel({ history: { sise: 1 } }), 'option sise in the history of channels["chat:*"]; did you mean size?'],
  ['a text', () => channel({ text: { output: String } }), 'option output in the text of channels["chat:*"]; there are in, out'],
  ['an observer', () => new Hub({ broker: memory() }).observe(misspelt({ onPublish() {} })), 'option onPublish of an observer; did you mean onPublished?'],
  ['a log in memory', () => memory(misspelt({ byte: 5 })), 'option byte of memory; did you mean bytes?'],
  ['a log in a file', () => sqlite('x.db', misspelt({ forgetAftr: 5 })), 'option forgetAftr of sqlite; did you mean forgetAfter?'],
] as const) // biome-ignore format: a table
  test(`an option that there is not is refused by ${what}, with the nearest one`, () => {
    assert.throws(make, { code: 'BAD_OPTION', message: `there is no ${sentence}` });
  });

test('replacing the channels refuses a misspelt option, and changes nothing', () => {
  const hub = new Hub({ broker: memory(), channels: { news: { publish: false } } });
  assert.throws(() => hub.setChannels({ chat: misspelt({ publsh: false }) }), { code: 'BAD_OPTION' });
  assert.deepEqual(hub.offered, ['news']);
});

test('a publication with a misspelt option is refused, and not stored', async (t) => {
  const hub = new Hub({ broker: memory() });
  t.after(() => hub.close());
  await assert.rejects(hub.publish('news', 'typing', misspelt({ keepp: false })), {
    code: 'BAD_OPTION',
    message: 'there is no option keepp of hub.publish; did you mean keep?',
  });
  assert.equal((await hub.history('news')).head, 0);
});

test('reading the history with a misspelt option is refused', async (t) => {
  const hub = new Hub({ broker: memory() });
  t.after(() => hub.close());
  await assert.rejects(hub.history('news', misspelt({ limt: 5 })), {
    code: 'BAD_OPTION',
    message: 'there is no option limt of hub.history; did you mean limit?',
  });
});

test('the event of a publication is a text of 1 to 64 characters', async () => {
  const { hub } = await square();
  for (const event of ['a', 'a'.repeat(64)]) await hub.publish('chat', 1, { event });
  for (const event of ['', 'a'.repeat(65), 7]) {
    const refused = {
      code: 'BAD_OPTION',
      message: `event cannot be ${JSON.stringify(event)}; use a text of 1 to 64 characters`,
    };
    await assert.rejects(hub.publish('chat', 1, { event: event as string }), refused);
  }
});

test('a method without a handler is refused when it is defined, not when it is called', () => {
  const hub = new Hub({ broker: memory() });
  assert.throws(() => hub.method('add', undefined as never), {
    code: 'BAD_OPTION',
    message: 'the handler of the method add is not a function; pass (data, who) => the result, or a promise of it',
  });
});

test('a visitor whose rights are misspelt is not accepted with all rights', async () => {
  const errors: ZocaloError[] = [];
  const { hub, fanOut } = await square({
    connect: () => ({ user: 'ana', rigths: { subscribe: [] } }) as Identity,
    onError: (error) => errors.push(error),
  });
  const guest = new Guest(hub, fanOut);
  guest.connection.receive('["hi",1]');
  await settle();
  assert.deepEqual(guest.wire.got[0]?.slice(0, 3), ['err', 1, 'INTERNAL']);
  assert.match(errors[0]!.message, /there is no option rigths in what connect returned; did you mean rights\?/);
});

test('a hub without a broker says what to give', () => {
  assert.throws(() => new Hub(misspelt({ channels: {} })), {
    code: 'BAD_OPTION',
    message: "a hub needs a broker, which keeps the log of its channels; give memory(), or sqlite('square.db')",
  });
});
