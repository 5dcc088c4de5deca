import { statSync } from 'node:fs';
import type { Clock } from '../clock.ts';

/** Milliseconds between two checks. */
const PERIOD = 200;

/**
 * Calls back when one of the files was saved. It checks them five times a second, because the system's own
 * notifications get lost with editors that rename files, on network drives and in containers. A save is complete when
 * the file exists and has not changed since the last check.
 */
export class FileWatch {
  readonly #files: readonly string[];
  readonly #onSaved: (file: string) => void;
  readonly #clock: Clock;
  readonly #seen = new Map<string, string>();
  readonly #changing = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(files: readonly string[], onSaved: (file: string) => void, clock: Clock) {
    this.#files = files;
    this.#onSaved = onSaved;
    this.#clock = clock;
  }

  start(): void {
    for (const file of this.#files) this.#seen.set(file, stateOf(file));
    this.#cancel ??= this.#clock.every(PERIOD, () => this.#look());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    for (const file of this.#files) {
      const state = stateOf(file);
      if (state !== this.#seen.get(file)) {
        this.#seen.set(file, state);
        this.#changing.add(file);
      } else if (state !== '' && this.#changing.delete(file)) this.#onSaved(file);
    }
  }
}

/** A text that changes whenever the file is written or replaced; '' if there is no file. */
function stateOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}
