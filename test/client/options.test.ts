import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../src/client/index.ts';
import { checkOptions } from '../../src/protocol/index.ts';
import { setUp } from './set-up.ts';

/** A mistake that the compiler would have found: pages in JavaScript, and options that were read from somewhere. */
const misspelt = (options: object) => options as never;

const LISTS = {
  client: ['token', 'login', 'storage', 'debug', 'WebSocket', 'clock', 'random', 'network', 'outbox'],
  subscribe: ['since', 'recent', 'presence', 'member', 'signal'],
  publish: ['echo', 'keep', 'event', 'signal'],
  call: ['timeout', 'signal'],
  history: ['after', 'limit', 'timeout', 'signal'],
  presence: ['timeout', 'signal'],
};

const sentence = (name: string, first: string) => ({
  code: 'BAD_OPTION',
  message: new RegExp(`^no option ${name}: did you mean ${first}\\b`),
});

test('the client and a subscription refuse an option that there is not at once, with the nearest one', () => {
  assert.throws(() => new Client('ws://hub/', misspelt({ tokn: 'x' })), sentence('tokn', 'token'));
  const { client, hub } = setUp();
  assert.throws(() => client.subscribe('chat:42', misspelt({ rcent: 5 })), sentence('rcent', 'recent'));
  assert.throws(() => client.subscribe('chat:*', misspelt({ sginal: 5 })), sentence('sginal', 'signal'));
  // A pattern takes none of the others, which would do nothing.
  for (const useless of [{ recent: 5 }, { presence: true }, { member: {} }, { since: ['e', 1] as const }])
    assert.throws(() => client.subscribe('chat:*', useless), { code: 'BAD_OPTION' });
  assert.deepEqual([client.state, hub.lines.length], ['closed', 0]);
});

test('a publication, a call and a look-up with a misspelt option are refused, and nothing is sent', async () => {
  const { client, hub } = setUp();
  const chat = client.subscribe('chat:42');
  for (const [wanted, name, first] of [
    [client.publish('chat:42', 1, misspelt({ keepp: false })), 'keepp', 'keep'],
    [chat.publish(1, misspelt({ ecko: false })), 'ecko', 'echo'],
    [client.call('add', [1, 2], misspelt({ timeuot: 5 })), 'timeuot', 'timeout'],
    [client.history('chat:42', misspelt({ limti: 5 })), 'limti', 'limit'],
    [chat.history(misspelt({ affter: 5 })), 'affter', 'after'],
    [client.presence('chat:42', misspelt({ timeOut: 5 })), 'timeOut', 'timeout'],
  ] as const)
    await assert.rejects(wanted, sentence(name, first));
  await hub.settle();
  assert.deepEqual(
    hub.heard.map(([verb]) => verb),
    ['hi', 'sub'],
  );
  client.close();
});

test('options that are undefined, and all that there are, are accepted', async () => {
  const { client, hub } = setUp({ token: '', debug: () => {}, outbox: 5 });
  const { signal } = new AbortController();
  client.subscribe('chat:42', { since: undefined, recent: 5, presence: true, member: 1, signal });
  await hub.settle();
  const answers = [
    client.publish('chat:42', 1, { echo: true, keep: true }),
    client.history('chat:42', { after: ['e1', 0], limit: 5, timeout: 5_000, signal }),
    client.presence('chat:42', { timeout: undefined, signal }),
  ];
  await hub.settle();
  await Promise.all(answers);
  client.close();
});

test('one wrong letter in any option of the client finds the right name first', () => {
  for (const names of Object.values(LISTS))
    for (const name of names)
      for (let at = 0; at < name.length; at++)
        for (const wrong of [
          name.slice(0, at) + name.slice(at + 1),
          `${name.slice(0, at)}w${name.slice(at)}`,
          name.slice(0, at) + (name[at + 1] ?? '') + name[at] + name.slice(at + 2),
        ])
          if (!names.includes(wrong))
            assert.throws(() => checkOptions({ [wrong]: 1 }, names as never[]), sentence(wrong, name));
});
