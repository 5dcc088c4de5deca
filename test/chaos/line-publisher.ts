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
  /** Resolves when it is the turn of the word of this index. */
  turn: (index: number) => Promise<unknown>,
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
        await Promise.race([turn(from), over]);
        if (socket.destroyed) break;
        const { entry, word } = record.word(name, channel, dice);
        ids.push(entry.id);
        from++;
        const isReady = socket.write(`${JSON.stringify(word)}\n`);
        if (!isReady) await Promise.race([once(socket, 'drain'), over]);
        if (socket.destroyed) break;
      }
      socket.end();
      // It still listens.
      await Promise.race([over, pause(dice.below(200))]);
      socket.destroy();
    } catch {
      // nobody listens
    }
    await pause(dice.below(50));
  }
  return sent;
}
