/**
 * A node of the measurement, forked by measure.ts: a hub with its log in Redis that publishes, and hears others, without
 * connections. It is told what to do by messages, and answers each with its CPU time until then.
 */
import { Hub, redis } from '../../src/index.ts';

export type NodeOrder =
  | { readonly do: 'watch'; readonly channels: number; readonly prefix: string }
  | { readonly do: 'publish'; readonly count: number; readonly channels: number; readonly prefix: string }
  /** Nothing: the answer is what counts. */
  | { readonly do: 'look' };

export interface NodeAnswer {
  /** Microseconds of CPU since the start. */
  readonly cpu: number;
  /** Publications heard since the start. */
  readonly heard: number;
  /** Bytes of physical memory. */
  readonly memory: number;
}

const IN_FLIGHT = 256;
const PAYLOAD = 'x'.repeat(64);

const hub = new Hub({ broker: redis(process.argv[2]!) });
await hub.open();
let heard = 0;

const ACTIONS = {
  async watch({ channels, prefix }: Extract<NodeOrder, { do: 'watch' }>) {
    for (let at = 0; at < channels; at += IN_FLIGHT)
      await Promise.all(
        Array.from({ length: Math.min(IN_FLIGHT, channels - at) }, (_, more) =>
          hub.watch(`${prefix}${at + more}`, () => heard++),
        ),
      );
  },
  async publish({ count, channels, prefix }: Extract<NodeOrder, { do: 'publish' }>) {
    let next = 0;
    const one = async () => {
      while (next < count) await hub.publish(`${prefix}${next++ % channels}`, PAYLOAD);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  },
  async look() {},
};

process.on('message', async (order: NodeOrder) => {
  await ACTIONS[order.do](order as never);
  const { user, system } = process.cpuUsage();
  process.send!({ cpu: user + system, heard, memory: process.memoryUsage.rss() } satisfies NodeAnswer);
});
process.on('disconnect', () => process.exit());
process.send!({ cpu: 0, heard, memory: 0 } satisfies NodeAnswer);
