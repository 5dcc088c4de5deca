import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { ByteWindow } from './byte-window.ts';
import type { Envelope } from './envelope.ts';
import type { Framer, Report } from './framer.ts';

export interface IdleFramerOptions {
  /** Milliseconds of silence that end a frame. */
  readonly gap: number;
  readonly clock: Clock;
  readonly envelope: Envelope;
  /** In bytes. */
  readonly limit: number;
  readonly report: Report;
}

/** A frame ends when nothing comes for a while. Its owner asks again after `wait` milliseconds. */
export class IdleFramer implements Framer {
  skipped = 0;
  readonly #options: IdleFramerOptions;
  readonly #window = new ByteWindow();
  #lastByte = 0;
  /** A frame whose end was noticed by the arrival of the next. */
  #complete: Buffer | undefined;
  #isTooLong = false;

  constructor(options: IdleFramerOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#window.length;
  }

  get wait(): number | undefined {
    if (this.#window.length === 0) return undefined;
    return Math.max(0, this.#lastByte + this.#options.gap - this.#options.clock.now());
  }

  append(chunk: Buffer): void {
    if (this.wait === 0) this.#complete = this.#finish();
    this.#lastByte = this.#options.clock.now();
    this.#window.append(chunk);
    this.#window.compact();
    const { limit, report } = this.#options;
    if (this.#window.length <= limit) return;
    if (!this.#isTooLong)
      report(new ZocaloError('FRAME_TOO_LONG', `a frame has more than ${limit} bytes without a pause`));
    this.#isTooLong = true;
    this.#drop(this.#window.length - 1); // one byte stays, so that the silence is noticed
  }

  take(): Buffer | undefined {
    const complete = this.#complete;
    this.#complete = undefined;
    return complete ?? (this.wait === 0 ? this.#finish() : undefined);
  }

  /** Silence ends a frame here. */
  giveUp(): void {}

  end(): Buffer | undefined {
    return this.#window.length > 0 ? this.#finish() : undefined;
  }

  encode(payload: Uint8Array): Buffer {
    return this.#options.envelope.close(payload);
  }

  #finish(): Buffer | undefined {
    const { bytes, start, length } = this.#window;
    const frame = this.#isTooLong ? undefined : this.#options.envelope.open(bytes.subarray(start));
    if (frame === undefined && !this.#isTooLong)
      this.#options.report(new ZocaloError('FRAME_DAMAGED', `a frame of ${length} bytes has a wrong checksum`));
    this.#isTooLong = false;
    if (frame === undefined) this.#drop(length);
    else this.#window.start += length;
    this.#window.compact();
    return frame;
  }

  #drop(count: number): void {
    this.skipped += count;
    this.#window.start += count;
  }
}
