import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { Dice } from '../dice.ts';
import { EventReceiver, type ToldEvent } from './event-receiver.ts';
import { type EventEvidence, judgeEvents } from './events-verdict.ts';

const event = (version: number, type: ToldEvent['type'], user?: string): ToldEvent => ({
  version,
  type,
  at: 0,
  ...(user !== undefined && { user }),
});
const published = (version: number, offset: number): ToldEvent => ({
  ...event(version, 'published'),
  channel: 'a',
  position: ['e', offset],
});
const sent = [1, 2].map((n) => ({
  id: `p/${n}`,
  publisher: 'p',
  channel: 'a',
  at: ['e', n] as [string, number],
  acknowledged: n * 100_000,
}));
const all = [event(1, 'online', 'ana'), published(2, 1), published(3, 2), event(4, 'offline', 'ana')];

const violationsOf = (evidence: Partial<EventEvidence>): string =>
  judgeEvents({ events: all, sent, isDurable: true, ...evidence }).violations.join();

test('the judge of events finds nothing where nothing is wrong, and each thing that may be', () => {
  assert.equal(violationsOf({}), '');
  const [online, first, second, offline] = all as [ToldEvent, ToldEvent, ToldEvent, ToldEvent];
  const cases: [string, readonly ToldEvent[], RegExp][] = [
    ['online twice', [online, event(2, 'online', 'ana'), first, second, offline], /ana is online twice/],
    ['offline first', [offline, first, second], /ana is offline first/],
    ['never offline', [online, first, second], /ana has not gone in the end/],
    ['published twice', [...all, published(5, 2)], /a,e,2 was published twice/],
    ['never published', [online, first, offline], /p\/2 at e,2 of a was never told of/],
  ];
  for (const [what, events, pattern] of cases) assert.match(violationsOf({ events }), pattern, what);
  const again = [online, event(2, 'online', 'ana'), first, offline, event(6, 'offline', 'ana')];
  assert.equal(violationsOf({ events: again, isDurable: false }), '', 'a store that loses its end has it told again');
  assert.match(violationsOf({ events: [online], isDurable: false }), /has not gone in the end/);
});

test('the receiver of events finds versions that come late, or that are another event than before', async (t) => {
  const receiver = new EventReceiver(new Dice(1));
  await receiver.open();
  t.after(() => receiver.close());
  const deliver = (...events: readonly ToldEvent[]) =>
    new Promise<void>((resolve) => {
      const request = http.request(receiver.url, { method: 'POST' }, (response) => response.resume());
      request.on('error', () => {});
      request.on('close', resolve);
      request.end(JSON.stringify({ events }));
    });
  const [online, first, , offline] = all as [ToldEvent, ToldEvent, ToldEvent, ToldEvent];
  // Some of them are refused by chance.
  for (let n = 0; n < 3; n++) await deliver(online, offline);
  assert.deepEqual([receiver.events, receiver.violations], [[online, offline], []]);
  for (let n = 0; n < 3; n++) await deliver({ ...online, user: 'luis' });
  assert.match(receiver.violations.join(), /version 1 is .*luis.*, and was .*ana/);
  for (let n = 0; n < 3; n++) await deliver(first);
  assert.match(receiver.violations.join(), /came after version 4/);
  assert.deepEqual(receiver.present('user'), []);
});
