import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { connectWebSocket, type ServerOptions, type User, type WebSocketClient } from '../../src/websocket/index.ts';
import { Recorder, take } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';

const USERS = 4;
const TOPICS = ['a', 'b', 'c'];

type Step =
  | { do: 'subscribe'; user: number; topic: string }
  | { do: 'unsubscribe'; user: number; topic: string }
  | { do: 'publish'; topic: string; except: number | null; long: boolean }
  | { do: 'broadcast'; except: number | null; long: boolean }
  | { do: 'send'; user: number; long: boolean }
  | { do: 'turn' };

const user = fc.nat(USERS - 1);
const topic = fc.constantFrom(...TOPICS);
const except = fc.option(user, { freq: 2 });
const long = fc.boolean();
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('subscribe' as const), user, topic }),
  fc.record({ do: fc.constant('unsubscribe' as const), user, topic }),
  fc.record({ do: fc.constant('publish' as const), topic, except, long }),
  fc.record({ do: fc.constant('broadcast' as const), except, long }),
  fc.record({ do: fc.constant('send' as const), user, long }),
  fc.constant({ do: 'turn' as const }),
);

/** Does the steps on the server, and in the most obvious way on a list for each user. */
async function play(server: Recorder, users: User[], steps: Step[]): Promise<string[][]> {
  const expected = users.map((): string[] => []);
  const subscribed = users.map(() => new Set<string>());
  for (const [number, step] of steps.entries()) {
    const text = 'long' in step && step.long ? `${number} ${'x'.repeat(300)}` : `${number}`;
    const options = 'except' in step && step.except !== null ? { except: users[step.except]! } : {};
    if (step.do === 'turn') await turn();
    else if (step.do === 'subscribe') {
      users[step.user]!.subscribe(step.topic);
      subscribed[step.user]!.add(step.topic);
    } else if (step.do === 'unsubscribe') {
      users[step.user]!.unsubscribe(step.topic);
      subscribed[step.user]!.delete(step.topic);
    } else if (step.do === 'send') {
      users[step.user]!.send(text);
      expected[step.user]!.push(text);
    } else {
      if (step.do === 'publish') server.publish(step.topic, text, options);
      if (step.do === 'broadcast') server.broadcast(text, options);
      for (const [i, list] of expected.entries())
        if (i !== step.except && (step.do === 'broadcast' || subscribed[i]!.has(step.topic))) list.push(text);
    }
  }
  return expected;
}

async function agrees(t: TestContext, options: ServerOptions, inside: 'a hook' | 'no hook'): Promise<void> {
  const server = await Recorder.listen(t, options);
  const clients: WebSocketClient[] = [];
  for (let i = 0; i < USERS; i++) clients.push(await connectWebSocket(server.url, options));
  const users = [...server.users];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      for (const each of users) for (const name of each.topics) each.unsubscribe(name);
      const expected = await new Promise<string[][]>((resolve) => {
        if (inside === 'no hook') resolve(play(server, users, steps));
        else server.message = () => resolve(play(server, users, steps));
        if (inside === 'a hook') clients[0]!.send('now');
      });
      for (const each of users) each.send('end');
      for (const [i, list] of expected.entries())
        assert.deepEqual(await take(clients[i]!, list.length + 1), [...list, 'end'], `user ${i}`);
    }),
    { numRuns: 200 },
  );
}

for (const [how, options] of [
  ['plain', { compression: false }],
  ['compressed alone', { compression: { threshold: 100 } }],
  ['compressed with context takeover', { compression: { threshold: 100, contextTakeover: true } }],
] as const)
  for (const inside of ['a hook', 'no hook'] as const)
    test(`each user gets exactly what a naive server would send, in order (${how}, from ${inside})`, (t) =>
      agrees(t, options, inside));

test('subscribing and unsubscribing in onClose and onQueueFull during delivery affects nobody', async (t) => {
  const server = await Recorder.listen(t, { queueLimit: 1, compression: false });
  const clients: WebSocketClient[] = [];
  for (let i = 0; i < USERS; i++) clients.push(await connectWebSocket(server.url));
  const [first, ...rest] = [...server.users];
  for (const each of server.users) each.subscribe('a');
  server.onQueueFull = () => {
    for (const each of rest) each.unsubscribe('a');
    for (const each of rest) each.subscribe('b');
    first!.terminate();
    return 'drop';
  };
  // More than the system takes at once from one who does not read: the first's queue is full in mid-delivery.
  const heavy = 'x'.repeat(16 * 1024 * 1024);
  first!.send(heavy);
  await turn();
  server.publish('a', 'one');
  server.broadcast('two');
  for (const client of clients.slice(1)) assert.deepEqual(await take(client, 2), ['one', 'two']);
  server.publish('b', 'three');
  for (const client of clients.slice(1)) assert.deepEqual(await take(client, 1), ['three']);
});
