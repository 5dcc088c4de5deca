import type { Clock } from '../../clock.ts';
import type { ZocaloError } from '../../errors.ts';
import type { About } from './options.ts';

/** In milliseconds. */
const PAUSE = 10_000;
/** How many kinds of reports are told apart. */
const KEPT = 1_000;

/** Tells the same error of the same host once in ten seconds, and how many were left out. */
export class Reports {
  readonly #tell: (error: ZocaloError, about: About) => void;
  readonly #clock: Clock;
  readonly #source: string;
  readonly #told = new Map<string, { readonly at: number; omitted: number }>();

  constructor(source: string, tell: (error: ZocaloError, about: About) => void, clock: Clock) {
    this.#source = source;
    this.#tell = tell;
    this.#clock = clock;
  }

  tell(
    error: ZocaloError,
    about: { readonly host?: string; readonly address?: string; readonly device?: string },
  ): void {
    const { host = '', ...rest } = about;
    const key = `${error.code} ${host}`;
    const before = this.#told.get(key);
    const now = this.#clock.now();
    if (before && now - before.at < PAUSE) {
      before.omitted++;
      return;
    }
    this.#told.delete(key); // the newest stands last
    this.#told.set(key, { at: now, omitted: 0 });
    if (this.#told.size > KEPT) this.#told.delete(this.#told.keys().next().value!);
    this.#tell(error, { source: this.#source, ...rest, omitted: before?.omitted ?? 0 });
  }
}
