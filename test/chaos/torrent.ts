import { once } from 'node:events';
import { connect } from '../../src/stream/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import type { Record } from './publishers.ts';

/** What is poured, and how it is known to have arrived. */
export interface Torrent {
  readonly name: string;
  /** Texts, many more than may be sent at once. */
  readonly count: number;
  readonly record: Record;
  readonly dice: Dice;
  /** Resolves when somebody has heard them all. */
  readonly arrived: (ids: readonly string[]) => Promise<unknown>;
}

/** When all of them stand among what a reader has `seen`. */
export function arrivalIn(seen: ReadonlyMap<number, string>, bell: Bell): Torrent['arrived'] {
  return (ids) => {
    let missing = new Set(ids);
    let looked = 0;
    return bell.until(() => {
      if (seen.size > looked) missing = missing.difference(new Set(seen.values()));
      looked = seen.size;
      return missing.size === 0;
    });
  };
}

function textsOf({ name, count, record, dice }: Torrent): { ids: string[]; texts: string[] } {
  const words = Array.from({ length: count }, () => record.word(name, 'room', dice, true));
  return { ids: words.map(({ entry }) => entry.id), texts: words.map(({ word }) => JSON.stringify(word)) };
}

/**
 * Sends raw lines in one go, on a connection that then stays until all of them were heard, or the server ends it. Answers what
 * was sent.
 */
export async function pourLines(url: string, torrent: Torrent): Promise<string[]> {
  const { ids, texts } = textsOf(torrent);
  const socket = await connect(url);
  const over = Promise.race([once(socket, 'end'), once(socket, 'close')]);
  socket.resume();
  socket.on('error', () => {}); // what is not there is what the oracle sees
  socket.write(texts.map((text) => `${text}\n`).join(''));
  await Promise.race([over, torrent.arrived(ids)]);
  socket.destroy();
  return ids;
}

/** The same on a plain WebSocket. */
export async function pourTexts(url: string, torrent: Torrent): Promise<string[]> {
  const { ids, texts } = textsOf(torrent);
  const client = await connectWebSocket(`${url}/room`);
  const over = (async () => {
    for await (const _ of client);
  })();
  for (const text of texts) client.send(text);
  await Promise.race([over, torrent.arrived(ids)]);
  client.terminate();
  return ids;
}
