import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '../../../src/client/index.ts';
import type { Dice } from '../dice.ts';
import { API_KEY } from './node-process.ts';
import type { Sent } from './verdict.ts';

/** Publications that a publisher of the SDK has under way. */
const IN_FLIGHT = 4;

/** Publish to all rooms without end, by the SDK and by HTTP, and note what was acknowledged. */
export class Publishers {
  readonly sent: Sent[] = [];
  readonly #host: string;
  readonly #rooms: readonly string[];
  readonly #pause: number;
  readonly #clients: Client[] = [];
  readonly #publishing: Promise<void>[];
  #isOver = false;

  /** `pause`: milliseconds between two publications of one publisher, at most. */
  constructor(host: string, rooms: readonly string[], pause: number, dice: Dice) {
    this.#host = host;
    this.#pause = pause;
    this.#rooms = rooms;
    this.#publishing = [
      this.#bySdk('sdk1', dice.fork()),
      this.#bySdk('sdk2', dice.fork()),
      this.#byHttp('http1', dice.fork()),
      this.#byHttp('http2', dice.fork()),
    ];
  }

  /** Resolves when the fate of all publications is known, as far as it will ever be. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#publishing);
  }

  /** The last publication of each room. */
  last(): Promise<Sent[]> {
    return Promise.all(
      this.#rooms.map(async (room, at) => {
        const sent = this.#next('last', room, at + 1);
        await this.#put(sent);
        return sent;
      }),
    );
  }

  close(): void {
    this.#isOver = true;
    for (const client of this.#clients) client.close();
  }

  #next(publisher: string, channel: string, number: number): Sent {
    const sent: Sent = { id: `${publisher}/${number}`, publisher, channel };
    this.sent.push(sent);
    return sent;
  }

  async #bySdk(publisher: string, dice: Dice): Promise<void> {
    const client = new Client(`ws://${this.#host}`, { random: dice.fork().next });
    client.on('error', () => {});
    this.#clients.push(client);
    const inFlight = new Set<Promise<void>>();
    for (let n = 1; !this.#isOver; n++) {
      const sent = this.#next(publisher, this.#rooms[dice.below(this.#rooms.length)]!, n);
      const done: Promise<void> = client
        .publish(sent.channel, sent.id)
        .then((at) => acknowledge(sent, at))
        // The SDK gives up after some refusals, and nobody knows the fate of this one.
        .catch(() => {})
        .finally(() => inFlight.delete(done));
      inFlight.add(done);
      if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
      await pause(dice.below(this.#pause));
    }
    await Promise.all(inFlight);
  }

  async #byHttp(publisher: string, dice: Dice): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      await this.#put(this.#next(publisher, this.#rooms[dice.below(this.#rooms.length)]!, n));
      await pause(dice.below(this.#pause));
    }
  }

  /** Again with its key, until it is stored. */
  async #put(sent: Sent): Promise<void> {
    const { id, channel } = sent;
    for (;;) {
      try {
        const response = await fetch(`http://${this.#host}/api/publish`, {
          method: 'POST',
          headers: { authorization: `Bearer ${API_KEY}`, connection: 'close' },
          body: JSON.stringify({ channel, data: id, key: `key of ${id}` }),
          signal: AbortSignal.timeout(10_000),
        });
        const body = (await response.json()) as { at: [string, number] };
        if (response.ok) {
          acknowledge(sent, body.at);
          return;
        }
      } catch {
        // Nobody knows whether it was stored.
      }
      await pause(50);
    }
  }
}

function acknowledge(sent: Sent, at: Sent['at']): void {
  if (!at) return;
  sent.at = at;
  sent.acknowledged = performance.now();
}
