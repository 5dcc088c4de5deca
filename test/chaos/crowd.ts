import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import { RawSubscriber } from './raw-subscriber.ts';
import type { Witness } from './witness.ts';

/** Milliseconds: when thousands come at once, each is patient. */
const PATIENCE = { timeout: 60_000, pingInterval: 20_000, pongTimeout: 60_000, closeTimeout: 500 };

/** Many readers of one channel, who go together and come back together. */
export class Crowd {
  readonly witnesses: readonly Witness[];
  readonly #readers: readonly RawSubscriber[];
  #gate = Promise.withResolvers<void>();

  /** `url` is asked for each connection. */
  constructor(count: number, channel: string, url: () => string, dice: Dice, bell: Bell) {
    const way = { url: () => this.#gate.promise.then(url), patience: PATIENCE };
    this.#readers = Array.from(
      { length: count },
      (_, index) => new RawSubscriber(`${channel} ${index}`, way, dice.fork(), bell, [channel]),
    );
    this.witnesses = this.#readers.flatMap(({ witnesses }) => witnesses);
  }

  get isLive(): boolean {
    return this.#readers.every(({ isLive }) => isLive);
  }

  start(): void {
    this.#gate.resolve();
    for (const reader of this.#readers) reader.start();
  }

  /** All at once; nobody comes back before `comeBack`. */
  leave(): void {
    this.#gate = Promise.withResolvers();
    for (const reader of this.#readers) reader.leave();
  }

  comeBack(): void {
    this.#gate.resolve();
  }

  stop(): void {
    for (const reader of this.#readers) reader.stop();
    this.#gate.resolve();
  }
}
