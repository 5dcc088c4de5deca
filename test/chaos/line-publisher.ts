import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../src/stream/index.ts';
import type { Dice } from './dice.ts';
import type { Record } from './publishers.ts';

/** Words on one connection. */
const LINE = 100;

/** Publishes by raw lines, which are never acknowledged. Answers what was sent on each connection, in its order. */
export async function publishByLines(
  url: string,
  name: string,
  channels: readonly string[],
  record: Record,
  dice: Dice,
  /** How long it still listens when it has sent everything. */
  stay: (ids: readonly string[]) => Promise<unknown> = () => pause(dice.below(200)),
): Promise<string[][]> {
  const sent: string[][] = [];
  for (let from = 0; from < channels.length; ) {
    try {
      const socket = await connect(url, { timeout: 3_000 });
      const ids: string[] = [];
      sent.push(ids);
      socket.resume();
      const over = once(socket, 'close');
      for (const channel of channels.slice(from, from + LINE)) {
        const { entry, word } = record.word(name, channel, dice);
        ids.push(entry.id);
        from++;
        const isReady = socket.write(`${JSON.stringify(word)}\n`);
        if (!isReady) await Promise.race([once(socket, 'drain'), over]);
        if (socket.destroyed) break;
      }
      socket.end();
      await Promise.race([over, stay(ids)]);
      socket.destroy();
    } catch {
      // nobody listens
    }
    await pause(dice.below(50));
  }
  return sent;
}
