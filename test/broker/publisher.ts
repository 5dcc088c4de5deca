/** Publishes without end, and says each acknowledged position: a process for a test to kill. Arguments: path. */
import { sqlite } from '../../src/broker/index.ts';

const broker = sqlite(process.argv[2]!);
await broker.open();

async function lane(publisher: number): Promise<never> {
  const channel = `channel:${publisher % 3}`;
  for (let n = 0; ; n++) {
    const data = JSON.stringify(`${publisher}/${n}/${process.pid}`);
    const { position } = await broker.publish(channel, { data, key: data, keep: { size: Infinity, ttl: Infinity } });
    process.stdout.write(`${JSON.stringify([channel, position[0], position[1], data])}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, publisher) => lane(publisher)));
