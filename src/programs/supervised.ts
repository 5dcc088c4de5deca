import { ZocaloError } from '../errors.ts';
import { Program, type ProgramOptions } from './program.ts';
import { endError, type ProgramEnd } from './program-end.ts';

export interface SupervisedOptions extends Omit<ProgramOptions, 'onLine' | 'onEnd'> {
  readonly onLine?: (line: string, program: Program) => void;
  /** A process has started. */
  readonly onStart?: (program: Program) => void;
  /** Whether it is started no more: it has never worked, say. Nothing is logged then, since `onEnd` can tell. Default: no. */
  readonly givesUp?: (end: ProgramEnd) => boolean;
  /** It has ended; the next one starts by itself, unless it was given up. */
  readonly onEnd?: (end: ProgramEnd, program: Program) => void;
  /** 0 to 1, for the pauses. Default `Math.random`. */
  readonly random?: () => number;
}

/** Milliseconds: the first pause, doubled up to the longest. */
const PAUSE = { first: 100, longest: 10_000 } as const;
/** A program that ran for this many milliseconds counts as one that worked. */
const SETTLED = 60_000;
/** Ends in a row after which the log has PROGRAM_KEEPS_ENDING. */
const MANY = 10;
const GRACE = 2_000;

type State =
  | { readonly is: 'idle' | 'stopped' }
  | { readonly is: 'starting' | 'running'; readonly program: Program }
  | { readonly is: 'pausing'; readonly until: number; readonly cancel: () => void };

/**
 * Keeps one program running: when it ends it is started again, the first time at once, then after pauses that grow from
 * 100 ms to 10 s. Ends are forgotten after a minute of uptime.
 */
export class Supervised {
  readonly #options: SupervisedOptions;
  readonly #random: () => number;
  #state: State = { is: 'idle' };
  /** Ends in a row. */
  #ends = 0;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** The process, while one runs. */
  get program(): Program | undefined {
    const state = this.#state;
    return state.is === 'running' && state.program.isRunning ? state.program : undefined;
  }

  /** Milliseconds until the next start; 0 if none is waited for. */
  get pause(): number {
    return this.#state.is === 'pausing' ? Math.max(0, this.#state.until - this.#options.clock.now()) : 0;
  }

  /**
   * Starts it, unless it is running or starting. A failure is logged, and it is tried again until `stop`. The
   * promise is about the first attempt only, and may be ignored.
   * @throws ZocaloError as `Program.start` does.
   */
  start(): Promise<void> {
    if (this.#state.is !== 'idle' && this.#state.is !== 'stopped') return Promise.resolve();
    this.#ends = 0;
    const started = this.#start();
    started.catch(() => {});
    return started;
  }

  /** Stops the process and starts the next one without a pause, for example because its files have changed. */
  async restart(grace = GRACE): Promise<void> {
    const state = this.#state;
    this.#ends = 0;
    if ('cancel' in state) {
      state.cancel();
      await this.#start().catch(() => {});
    } else if ('program' in state) await state.program.stop(grace);
  }

  /** Stops the process and starts no other until `start`. Resolves when all of it is gone. */
  async stop(grace = GRACE): Promise<void> {
    const state = this.#state;
    this.#state = { is: 'stopped' };
    if ('cancel' in state) state.cancel();
    else if ('program' in state) await state.program.stop(grace);
  }

  async #start(): Promise<void> {
    const { onLine, onStart, onEnd, givesUp, ...options } = this.#options;
    const program: Program = new Program({
      ...options,
      ...(onLine && { onLine: (line: string) => onLine(line, program) }),
      onEnd: (end) => {
        const isGivenUp = this.#isAbout(program) && givesUp?.(end) === true;
        if (isGivenUp) this.#state = { is: 'stopped' };
        const isOurs = this.#isAbout(program);
        if (isOurs) this.#ended(end);
        onEnd?.(end, program);
        if (isOurs) this.#next(end.wasStopped);
      },
    });
    this.#state = { is: 'starting', program };
    try {
      await program.start();
    } catch (error) {
      if (this.#isAbout(program)) {
        const fields = { program: options.name, err: error, pause: this.#pauseAfter(this.#ends + 1) };
        options.log.error(fields, 'a program could not be started');
        this.#ends++;
        this.#next(false);
      }
      throw error;
    }
    if (!this.#isAbout(program)) return;
    this.#state = { is: 'running', program };
    onStart?.(program);
  }

  #isAbout(program: Program): boolean {
    return 'program' in this.#state && this.#state.program === program;
  }

  #ended(end: ProgramEnd): void {
    if (end.wasStopped) return; // `restart`
    const { name, log } = this.#options;
    this.#ends = end.took >= SETTLED ? 1 : this.#ends + 1;
    const { code, signal, took, lastLines } = end;
    const fields = { program: name, exitCode: code, signal, took, pause: this.#pauseAfter(this.#ends), lastLines };
    log.error({ err: end.reason ?? endError(name, end), ...fields }, 'a program ended, and is started again');
  }

  #next(wasStopped: boolean): void {
    const { name, log, clock } = this.#options;
    if (this.#ends === MANY) {
      const err = new ZocaloError('PROGRAM_KEEPS_ENDING', `the program ${name} ended ${MANY} times in a row`);
      log.error({ program: name, err }, 'a program keeps ending');
    }
    const pause = wasStopped ? 0 : this.#pauseAfter(this.#ends);
    const wait = pause * (0.5 + this.#random() / 2);
    const cancel = clock.after(wait, () => void this.#start().catch(() => {}));
    this.#state = { is: 'pausing', until: clock.now() + wait, cancel };
  }

  /** Milliseconds, before a random part is taken off. */
  #pauseAfter(ends: number): number {
    return ends <= 1 ? 0 : Math.min(PAUSE.longest, PAUSE.first * 2 ** (ends - 2));
  }
}
