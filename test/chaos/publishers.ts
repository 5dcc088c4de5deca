import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../../src/client/index.ts';
import type { Published as Receipt } from '../../src/protocol/index.ts';
import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import type { Published } from './oracle.ts';
import { RawPeer } from './raw-peer.ts';
import type { Word } from './witness.ts';

/** Publications that the SDK's publisher has under way at most. */
const IN_FLIGHT = 16;

/** The record of all that is published, written down before it is sent. */
export class Record {
  readonly published: Published[] = [];
  readonly failures: string[] = [];
  acknowledged = 0;
  readonly #bell: Bell;
  readonly #heads = new Map<string, number>();
  #count = 0;

  constructor(bell: Bell) {
    this.#bell = bell;
  }

  word(publisher: string, channel: string, dice: Dice, isShort = false): { entry: Published; word: Word } {
    const id = `${publisher}/${++this.#count}`;
    const entry: Published = { id, publisher, channel };
    this.published.push(entry);
    // Now and then a long one, so that a reader who is held back has more waiting than the system's buffers take.
    const size = !isShort && dice.isLikely(0.15) ? dice.below(50_000) : dice.below(200);
    return { entry, word: { id, size, pad: 'x'.repeat(size) } };
  }

  acknowledge(entry: Published, at: Published['at']): void {
    entry.at = at;
    this.#heads.set(entry.channel, Math.max(this.head(entry.channel), at?.[1] ?? 0));
    this.acknowledged += 1;
    this.#bell.ring();
  }

  /** The end of a channel as far as was acknowledged. */
  head(channel: string): number {
    return this.#heads.get(channel) ?? 0;
  }
}

/** Everything that this one publishes is acknowledged in the end: the outbox sees to it. */
export async function publishBySdk(
  client: Client,
  publisher: string,
  channels: readonly string[],
  record: Record,
  dice: Dice,
): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  for (const channel of channels) {
    while (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
    const { entry, word } = record.word(publisher, channel, dice);
    const done: Promise<void> = client
      .publish(channel, word)
      .then(
        (at) => record.acknowledge(entry, at),
        (error) => void record.failures.push(`${entry.id} was refused: ${error}`),
      )
      .finally(() => inFlight.delete(done));
    inFlight.add(done);
  }
  await Promise.all(inFlight);
}

/** By hand, one at a time: after a loss it is sent again under its key, or given up, so that nobody knows its fate. */
export async function publishByHand(
  url: string,
  publisher: string,
  channels: readonly string[],
  record: Record,
  dice: Dice,
): Promise<void> {
  let peer: RawPeer | undefined;
  for (const channel of channels) {
    const { entry, word } = record.word(publisher, channel, dice);
    const key = `key of ${entry.id}`;
    for (;;) {
      try {
        peer ??= await RawPeer.join(url, publisher, () => {});
      } catch {
        await pause(dice.below(50));
        continue; // it was not sent yet
      }
      try {
        const { at } = (await peer.request('pub', channel, word, { key })) as Receipt;
        record.acknowledge(entry, at);
        break;
      } catch (error) {
        if ((error as Error).message !== 'LOST') record.failures.push(`${entry.id} was refused: ${error}`);
        peer = undefined;
        if (dice.isLikely(0.3)) break;
      }
    }
  }
  peer?.terminate();
}
