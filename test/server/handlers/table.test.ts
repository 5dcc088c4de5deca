import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startDaemon } from '../../support/daemon.ts';
import { application } from '../auth/auth-fixture.ts';
import { mistakes } from '../config/support.ts';
import { HubPeer } from '../hub-peer.ts';

/** An application that refuses everything in its own name. */
const refusing = (t: TestContext, name: string) =>
  application(t, (_, response) => response.end(JSON.stringify({ deny: name })));

test('of the handlers whose patterns match a channel, the most specific one is asked, and no other channel asks any', async (t) => {
  const every = { publish: 'everyone', patterns: true } as const;
  const { url, call } = await startDaemon(t, {
    channels: { '*': every },
    handlers: {
      rooms: { events: ['subscribe', 'publish'], channels: 'room:*', url: await refusing(t, 'rooms') },
      first: { events: ['publish'], channels: ['room:1', 'desk:*'], url: await refusing(t, 'first') },
    },
  });
  const peer = await HubPeer.join(t, url.replace('http', 'ws'));
  const refusal = async (verb: string, ...rest: unknown[]) => {
    peer.say(verb, 77, ...rest);
    for (;;) {
      const line = (await peer.next())!;
      if (line[1] === 77) return line[0] === 'ok' ? 'ok' : line[3];
    }
  };
  assert.equal(await refusal('pub', 'room:1', 1, {}), 'first');
  assert.equal(await refusal('pub', 'room:2', 1, {}), 'rooms');
  assert.equal(await refusal('pub', 'desk:2', 1, {}), 'first');
  assert.equal(await refusal('pub', 'other', 1, {}), 'ok');
  assert.equal(await refusal('sub', 'room:1', {}), 'rooms');
  assert.equal(await refusal('get', 'history', 'room:1', {}), 'rooms');
  assert.equal(await refusal('sub', 'desk:*', {}), 'ok');
  // A pattern with channels of a handler is no way around it.
  for (const pattern of ['*', 'r*', '*:1', 'room*'])
    assert.match(String(await refusal('sub', pattern, {})), /by name/, pattern);
  assert.equal(await refusal('sub', 'room:*', {}), 'rooms');
  // What an API key publishes is the application's own.
  assert.equal((await call('POST', '/api/publish', { channel: 'room:1', data: 1 })).status, 200);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /zocalo_handler_events_total\{handler="first",event="publish",outcome="refused"\} 2\n/);
  assert.match(metrics, /zocalo_handler_seconds_count\{handler="rooms"\} [1-9]/);
});

test('what two handlers would both answer, and what none could, is a mistake of the configuration', async (t) => {
  const yaml = (handlers: string) => `channels: {'*': {}}\nhandlers:\n${handlers}`;
  const [conflict] = await mistakes(
    t,
    yaml(
      `  a: {events: [publish], channels: 'room:*', run: php a.php}\n  b: {events: [publish], channels: [desk, 'room:*'], run: php b.php}`,
    ),
  );
  assert.match(conflict!, /handlers\.b\.events has publish of room:\*, which handlers\.a has too/);
  const [twice] = await mistakes(t, yaml('  a: {events: [connect], run: a}\n  b: {events: [connect], run: b}'));
  assert.match(twice!, /handlers\.b\.events has connect, which handlers\.a has too/);
  const [noWay, both, noChannels, noMethods, shell, own] = (
    await Promise.all(
      [
        '  a: {events: [connect]}',
        '  a: {events: [connect], run: a, url: "http://127.0.0.1:1/"}',
        '  a: {events: [publish], run: a}',
        '  a: {events: [call], run: a}',
        '  a: {events: [connect], run: "php a.php | tee log"}',
        '  a: {events: [subscribe], channels: "zocalo:*", run: a}',
      ].map((handlers) => mistakes(t, yaml(handlers))),
    )
  ).map(([first]) => first);
  assert.match(noWay!, /handlers\.a\.url is missing, and so is run/);
  assert.match(both!, /handlers\.a\.run stands beside url/);
  assert.match(noChannels!, /handlers\.a\.channels is missing/);
  assert.match(noMethods!, /handlers\.a\.methods is missing/);
  assert.match(shell!, /handlers\.a\.run must be a command/);
  assert.match(own!, /handlers\.a\.channels .*daemon's own channels/);
});

test('a handler is told the event of a publication, and what it adds to its refusal reaches the client', async (t) => {
  const details = { issues: [{ path: ['text'], message: 'write less' }] };
  const refusal = JSON.stringify({ deny: 'write less', code: 'BAD_DATA', details });
  const asked: string[] = [];
  const url = await application(t, ({ body }, response) => {
    asked.push(JSON.parse(body).eventName);
    response.end(refusal);
  });
  const daemon = await startDaemon(t, {
    channels: { 'room:*': { publish: 'everyone' } },
    handlers: { app: { channels: 'room:*', events: ['publish'], url } },
  });
  const peer = await HubPeer.join(t, daemon.url.replace('http', 'ws'));
  peer.say('pub', 7, 'room:1', { text: 'much' }, { event: 'said' });
  assert.deepEqual(await peer.next(), ['err', 7, 'BAD_DATA', 'write less', null, null, details]);
  assert.deepEqual(asked, ['said']);
});
