import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Broker, memory } from '../../src/broker/index.ts';
import { Sequences } from '../../src/broker/sequences.ts';
import { Client } from '../../src/client/index.ts';
import { ZocaloError } from '../../src/errors.ts';
import { serveHub } from '../server/hub-peer.ts';
import { until } from '../support/until.ts';

test('what a client publishes behind one that the log refuses does not pass it, and goes on when it is repeated', async (t) => {
  const inner = memory();
  const sequences = new Sequences();
  let fail = (): void => {};
  const failed = new Promise<void>((resolve) => {
    fail = resolve;
  });
  let calls = 0;
  // As a log behind a network: one call at a time for each channel, of which the first fails and the next finds it well.
  const broker: Broker = {
    open: () => inner.open(),
    close: () => inner.close(),
    state: (channel) => inner.state(channel),
    read: (...page) => inner.read(...page),
    watch: (...watching) => inner.watch(...watching),
    publish: async (channel, publication) => {
      if (channel !== 'chat') return inner.publish(channel, publication);
      const call = ++calls;
      await failed;
      const refusal = sequences.refusalOf(publication.sequence);
      if (refusal) throw refusal;
      if (call === 1)
        throw sequences.refuse(publication.sequence, new ZocaloError('LOG_UNREACHABLE', 'the connection was lost'));
      return inner.publish(channel, publication);
    },
  };
  const { hub, url } = await serveHub(t, { broker });
  const client = new Client(url);
  t.after(() => client.close());
  const published = ['one', 'two', 'three'].map((data) => client.publish('chat', data));
  await until(() => calls === 3, 'all are on their way');
  await client.publish('other', 'another channel goes on');
  fail();
  await Promise.all(published);
  const { entries } = await hub.history('chat');
  assert.deepEqual(
    entries.map(([, data]) => data),
    ['one', 'two', 'three'],
  );
});
