import type { Clock } from '../../clock.ts';
import { type Guess, learn, type RecordedChunk } from '../../sources/index.ts';
import type { Hearer } from './hearer.ts';
import { hexDump } from './hex-dump.ts';

/** Milliseconds after the first new bytes: then a few frames have come, and guessing is not done for each. */
const PAUSE = 1_000;
/** Bytes that are learned from, the newest: more make no guess better, and each guess slower. */
const MEMORY = 8_192;
/** Milliseconds between what different connections have sent, so that nothing is taken for one burst. */
const BETWEEN = 1_000;
/** How many guesses are shown at the end. */
const SHOWN = 3;

/** Shows what devices send, and guesses how they frame it. */
export class Learner implements Hearer {
  readonly #clock: Clock;
  readonly #print: (text: string) => void;
  readonly #chunks = new Map<number, RecordedChunk[]>();
  #size = 0;
  #begun: number | undefined;
  #cancel: (() => void) | undefined;
  /** What was shown last. */
  #shown = '';

  constructor(clock: Clock, print: (text: string) => void) {
    this.#clock = clock;
    this.#print = print;
  }

  opened(connection: number, from: string): void {
    this.#print(`${this.#label(connection)}: ${from}\n`);
  }

  heard(connection: number, bytes: Buffer): void {
    this.#print(
      `${this.#label(connection)}, ${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}\n${hexDump(bytes)}`,
    );
    const chunks = this.#chunks.get(connection) ?? [];
    this.#chunks.set(connection, chunks);
    chunks.push({ at: this.#clock.now(), bytes });
    this.#size += bytes.length;
    this.#forget();
    this.#cancel ??= this.#clock.after(PAUSE, () => {
      this.#cancel = undefined;
      this.#guess();
    });
  }

  ended(connection: number): void {
    this.#print(`${this.#label(connection)} has ended\n`);
  }

  close(): void {
    this.#cancel?.();
    const guesses = this.#learn().slice(0, SHOWN);
    if (guesses.length === 0) this.#print('\nnothing was heard that could be learned from\n');
    else this.#print(`\nafter all that was heard:\n${guesses.map(textOf).join('')}`);
  }

  #guess(): void {
    const [best] = this.#learn();
    const text = best ? textOf(best) : 'no guess yet: more frames are needed\n';
    // Its sentence counts the frames, and so is another one each time.
    const shown = best ? `${percentOf(best)} ${best.block}` : text;
    if (shown !== this.#shown) this.#print(text);
    this.#shown = shown;
  }

  /** Of all connections, one after another: some devices make a new one for each frame. */
  #learn(): Guess[] {
    const all: RecordedChunk[] = [];
    for (const chunks of this.#chunks.values()) {
      const shift = (all.at(-1)?.at ?? 0) + BETWEEN - (chunks[0]?.at ?? 0);
      for (const { at, bytes } of chunks) all.push({ at: at + shift, bytes });
    }
    return learn(all);
  }

  #forget(): void {
    for (const [connection, chunks] of this.#chunks) {
      while (this.#size > MEMORY && chunks.length > 0 && this.#size > chunks[0]!.bytes.length)
        this.#size -= chunks.shift()!.bytes.length;
      if (chunks.length > 0) return;
      this.#chunks.delete(connection);
    }
  }

  #label(connection: number): string {
    const now = this.#clock.now();
    this.#begun ??= now;
    return `[${((now - this.#begun) / 1000).toFixed(3)} s] connection ${connection}`;
  }
}

function percentOf({ confidence }: Guess): number {
  return Math.floor(100 * confidence);
}

function textOf(guess: Guess): string {
  return `\n# ${percentOf(guess)} % sure: ${guess.why}\n${guess.block}\n`;
}
