import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBroker, type Publication } from '../../src/broker/index.ts';
import { Hub, type Taken } from '../../src/hub/index.ts';

/** Notes what a store would remember. */
class NotingBroker extends MemoryBroker {
  readonly remembered: string[] = [];

  override publish(channel: string, publication: Publication) {
    if (publication.needsFollowUp) this.remembered.push(`${channel} ${publication.data}`);
    return super.publish(channel, publication);
  }
}

test('the store is asked to remember what an observer has to follow up, and nothing else', async (t) => {
  const broker = new NotingBroker();
  const errors: string[] = [];
  const hub = new Hub({ broker, onError: ({ message }) => errors.push(message) });
  t.after(() => hub.close());
  const taken: Taken[] = [];
  hub.observe({ onPublished: (one) => taken.push(one) });
  await hub.publish('a', 1);
  const end = hub.observe({ needsFollowUp: (channel) => channel === 'a' });
  const endOther = hub.observe({
    needsFollowUp: () => {
      throw new Error('it does not know');
    },
  });
  await hub.publish(['a', 'b'], 2);
  await hub.publish('a', 3, { keep: false });
  assert.deepEqual(broker.remembered, ['a 2']);
  assert.match(errors.join(), /an observer failed at needsFollowUp/);
  end();
  endOther();
  await hub.publish('a', 4);
  assert.deepEqual(broker.remembered, ['a 2']);
  assert.deepEqual(
    taken.map(({ channel, data, needsFollowUp = false }) => [channel, data, needsFollowUp]),
    [
      ['a', '1', false],
      ['a', '2', true],
      ['b', '2', false],
      ['a', '3', false],
      ['a', '4', false],
    ],
  );
});
