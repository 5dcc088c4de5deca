import { closeSync, openSync, writeSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Hearer } from './hearer.ts';
import { lineOfEvent, type RecordedEvent } from './recording.ts';

/** Writes what devices send, and when, into a new file. Each event is in the file before the next one is taken. */
export class Recorder implements Hearer {
  readonly #file: number;
  readonly #clock: Clock;
  #begun: number | undefined;

  /** @throws ZocaloError BAD_OPTION for a file that exists or cannot be written. */
  constructor(path: string, clock: Clock) {
    this.#clock = clock;
    try {
      this.#file = openSync(path, 'wx');
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code;
      const happened = `the file of --record, ${path}, cannot be made (${why})`;
      throw new ZocaloError('BAD_OPTION', happened, { advice: 'name a file that does not exist yet', cause: error });
    }
  }

  opened(connection: number, from: string): void {
    this.#write(connection, { from });
  }

  heard(connection: number, bytes: Buffer): void {
    this.#write(connection, { bytes });
  }

  ended(connection: number): void {
    this.#write(connection, 'end');
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(connection: number, what: RecordedEvent['what']): void {
    const now = this.#clock.now();
    this.#begun ??= now;
    writeSync(this.#file, lineOfEvent({ at: now - this.#begun, connection, what }));
  }
}
