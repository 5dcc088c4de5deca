import { ZocaloError } from '../../errors.ts';
import type { Envelope } from './envelope.ts';
import type { Framer, Report } from './framer.ts';

export interface DatagramFramerOptions {
  readonly envelope: Envelope;
  /** In bytes. */
  readonly limit: number;
  readonly report: Report;
  /** For a datagram with several frames: a framer for each. */
  readonly each?: (() => Framer) | undefined;
}

/** Each chunk is a frame, or a stream of its own: for UDP. An empty datagram is none. */
export class DatagramFramer implements Framer {
  skipped = 0;
  readonly wait = undefined;
  readonly #options: DatagramFramerOptions;
  /** Frames and datagrams that wait. */
  #frames: Buffer[] = [];

  constructor(options: DatagramFramerOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#frames.reduce((sum, { length }) => sum + length, 0);
  }

  append(chunk: Buffer): void {
    const { envelope, limit, report, each } = this.#options;
    if (chunk.length === 0) return;
    const frame = chunk.length > limit ? undefined : envelope.open(chunk);
    if (frame === undefined) {
      this.skipped += chunk.length;
      report(
        chunk.length > limit
          ? new ZocaloError('FRAME_TOO_LONG', `a datagram has ${chunk.length} bytes; at most ${limit} are taken`)
          : new ZocaloError('FRAME_DAMAGED', `a datagram of ${chunk.length} bytes has a wrong checksum`),
      );
    } else if (each) this.#split(frame, each());
    else if (frame.length > 0) this.#frames.push(frame);
  }

  take(): Buffer | undefined {
    return this.#frames.shift();
  }

  /** No datagram waits for another. */
  giveUp(): void {}

  end(): Buffer | undefined {
    return;
  }

  encode(payload: Uint8Array): Buffer {
    const { envelope, each } = this.#options;
    return envelope.close(each ? each().encode(payload) : payload);
  }

  #split(datagram: Buffer, framer: Framer): void {
    framer.append(datagram);
    for (let frame = framer.take(); frame; frame = framer.take()) this.#frames.push(frame);
    const last = framer.end();
    if (last) this.#frames.push(last);
    this.skipped += framer.skipped + framer.pending;
  }
}
