import { ZocaloError } from '../../errors.ts';
import { ByteWindow } from './byte-window.ts';
import type { Envelope } from './envelope.ts';
import type { Framer, Framing, Report } from './framer.ts';

/**
 * How many bytes of refused frames may be looked at again for each byte that arrives. A frame with a wrong checksum may
 * have begun in garbage, and a right one may lie within it; but a stream of nothing but beginnings must not cost the
 * square of its length.
 */
const RESCANS = 8;

export interface StreamFramerOptions {
  readonly framing: Framing;
  readonly envelope: Envelope;
  /** In bytes, marks and escapes included. */
  readonly limit: number;
  readonly report: Report;
}

/** Cuts a stream into frames by the rules of a `Framing`. Each byte of a good frame is looked at once. */
export class StreamFramer implements Framer {
  skipped = 0;
  readonly wait = undefined;
  readonly #framing: Framing;
  readonly #envelope: Envelope;
  readonly #limit: number;
  readonly #report: Report;
  readonly #window = new ByteWindow();
  /** How many bytes of the next frame the rules have looked at. */
  #seen = 0;
  /** The length of the frame that is arriving, once it is known. */
  #length = 0;
  /** How much of a frame that is too long has not come yet. */
  #ahead = 0;
  /** `lost`: no good frame since one was refused. `discarding`: within a frame that is too long. */
  #state: 'in step' | 'lost' | 'discarding' = 'in step';
  /** How many bytes may be looked at again. */
  #rescans: number;

  constructor({ framing, envelope, limit, report }: StreamFramerOptions) {
    this.#framing = framing;
    this.#envelope = envelope;
    this.#limit = limit;
    this.#report = report;
    this.#rescans = RESCANS * limit;
  }

  get pending(): number {
    return this.#window.length;
  }

  append(chunk: Buffer): void {
    this.#window.append(chunk);
    this.#rescans = Math.min(this.#rescans + RESCANS * chunk.length, RESCANS * this.#limit);
  }

  take(): Buffer | undefined {
    const window = this.#window;
    const framing = this.#framing;
    while (window.length > 0) {
      if (this.#ahead > 0) {
        const count = Math.min(this.#ahead, window.length);
        this.#ahead -= count;
        this.#skip(count);
        continue;
      }
      const { bytes, start } = window;
      const there = bytes.length - start;
      const length = this.#length === 0 ? framing.measure(bytes, start, start + this.#seen) : this.#length;
      if (length < 0) {
        this.#skip(-length);
      } else if (this.#state === 'discarding') {
        if (!this.#discard(length)) break;
      } else if (length > this.#limit || (length === 0 && there > this.#limit)) {
        this.#refuseLong(length);
      } else if (length === 0 || length > there) {
        this.#seen = there;
        this.#length = length;
        break;
      } else {
        const content = framing.content(bytes, start, start + length);
        const frame = content && (content.length === 0 ? content : this.#envelope.open(content));
        if (frame === undefined) {
          this.#refuseDamaged(length);
          continue;
        }
        this.#state = 'in step';
        this.#advance(length);
        if (frame.length > 0) return frame;
      }
    }
    window.compact();
    return;
  }

  giveUp(): void {
    const { length } = this.#window;
    this.#ahead = 0;
    if (length === 0 || this.#state === 'discarding') return;
    this.#report(new ZocaloError('FRAME_DAMAGED', `a frame has begun and not ended after ${length} bytes`));
    this.#skip(this.#framing.resync === 'rescan' ? 1 : length);
    this.#state = 'lost';
  }

  end(): Buffer | undefined {
    const { bytes, start, length } = this.#window;
    // A frame whose length is known was cut.
    if (!this.#framing.endsWithStream || length === 0 || this.#length > 0 || this.#state === 'discarding') return;
    this.#advance(length);
    return this.#envelope.open(bytes.subarray(start));
  }

  encode(payload: Uint8Array): Buffer {
    const framing = this.#framing;
    const content = this.#envelope.close(payload, (empty) => framing.fill?.(empty));
    const frame = framing.wrap(content);
    const length = framing.measure(frame, 0, 0);
    const isReadable = length > 0 && length <= frame.length && framing.content(frame, 0, length)?.equals(content);
    if (frame.length > this.#limit || !isReadable)
      throw new ZocaloError('FRAME_NOT_ENCODED', `${payload.length} bytes cannot be sent as one frame of this kind`);
    return frame;
  }

  #advance(count: number): void {
    this.#window.start += count;
    this.#seen = 0;
    this.#length = 0;
  }

  #skip(count: number): void {
    this.skipped += count;
    this.#advance(count);
  }

  /** Whether the frame that is too long has ended; `length` is what is left of it, or 0. */
  #discard(length: number): boolean {
    if (length > 0) {
      this.#skip(length);
      this.#state = 'lost';
      return true;
    }
    const all = this.#window.length - this.#framing.overlap;
    if (all > 0) this.#skip(all);
    return false;
  }

  #refuseLong(length: number): void {
    if (this.#state === 'in step') {
      const size = length === 0 ? `more than ${this.#limit}` : `${length}`;
      this.#report(new ZocaloError('FRAME_TOO_LONG', `a frame has ${size} bytes; at most ${this.#limit} are taken`));
    }
    this.#state = 'lost';
    if (this.#framing.resync === 'rescan') this.#skip(1);
    else if (length > 0) this.#ahead = length;
    else if (this.#framing.resync === 'start') this.#skip(this.#window.length - this.#framing.overlap);
    else this.#state = 'discarding';
  }

  #refuseDamaged(length: number): void {
    if (this.#state === 'in step' || this.#framing.resync !== 'rescan')
      this.#report(
        new ZocaloError('FRAME_DAMAGED', `a frame of ${length} bytes has a wrong checksum, or breaks its rules`),
      );
    this.#state = 'lost';
    if (this.#framing.resync === 'rescan' && this.#rescans >= length) {
      this.#rescans -= length;
      this.#skip(1);
    } else this.#skip(length);
  }
}
