import type { Clock } from '../../../../clock.ts';
import { type ErrorCode, ZocaloError } from '../../../../errors.ts';
import { type Program, type ProgramEnd, type ProgramLog, Supervised } from '../../../../programs/index.ts';
import { ThrottledLog } from '../../../operations/index.ts';
import type { HandlerEvent } from '../../event.ts';
import { LONGEST, tooLate } from '../../waiting.ts';
import { FairQueue } from '../fair-queue.ts';
import { readWorkerLine, type WorkerLine } from './worker-line.ts';

export type Command = Extract<WorkerLine, { kind: 'command' }>;

export interface WorkerOptions {
  /** As `commandOf` gives it. */
  readonly command: readonly string[];
  /** Its name in the log. */
  readonly name: string;
  /** Milliseconds for one event. */
  readonly timeout: number;
  /** Events that may wait, beside those that were sent. Beyond that, the connection of which most wait gives way. */
  readonly waiting: number;
  readonly clock: Clock;
  readonly log: ProgramLog;
  /** Does what the worker wants, and resolves with the answer's JSON. @throws ProtocolError for a refusal. */
  readonly onCommand: (command: Command) => Promise<string>;
}

/** What a worker needs of an event. */
export type WorkerEvent = Pick<HandlerEvent, 'text' | 'connection'>;

interface Pending {
  readonly event: WorkerEvent;
  readonly number: number;
  /** When it was asked. */
  readonly at: number;
  readonly resolve: (text: string) => void;
  readonly reject: (error: ZocaloError) => void;
}

/**
 * How many events are sent to a worker ahead, so that it has the next one as soon as it is done. It handles one at a
 * time, so that the others can be sent to another process when it dies.
 * What was sent can no longer give way to others, so there is no more of it than takes `DUE` milliseconds.
 */
const AHEAD = 32;
const DUE = 100;
/** Commands of a worker that may be under way. It waits with the next one. */
const COMMANDS = 100;
/** Bytes of a line of a worker. */
const MOST = 1_048_576;

/**
 * One place in the pool: a program that answers events in the order in which they come. When it dies or takes too long,
 * the event that it was working on fails, and those behind it go to the process that replaces it.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #supervised: Supervised;
  /** Sent, and not answered. */
  #sent: Pending[] = [];
  /** Were sent to a process that has ended. They come first. */
  #again: Pending[] = [];
  readonly #queue = new FairQueue<Pending>();
  /** How many are sent ahead just now: one more after each quick answer, half as many after a slow one. */
  #ahead = 1;
  #commands = 0;
  readonly #complaints: ThrottledLog;
  #numbers = 0;
  /** When the event that is the first now became the first. */
  #since = 0;
  #cancelCheck: (() => void) | undefined;
  /** Why no process can be started; undefined once one was. */
  #broken: ZocaloError | undefined;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { command, name, clock, log } = options;
    this.#complaints = new ThrottledLog(log, clock);
    this.#supervised = new Supervised({
      command,
      name,
      clock,
      log,
      maxLine: MOST,
      onLine: (line, program) => this.#read(line, program),
      onStart: () => {
        this.#broken = undefined;
        this.#since = clock.now();
        this.#send();
      },
      onEnd: (end) => this.#ended(end),
    });
  }

  /** How many events have no answer yet. */
  get load(): number {
    return this.#sent.length + this.#again.length + this.#queue.size;
  }

  /** The code of why no process runs: it could not be started, or keeps ending and is waited with. */
  get trouble(): ErrorCode | undefined {
    return this.#broken?.code ?? (this.#supervised.pause > 0 ? 'HANDLER_UNREACHABLE' : undefined);
  }

  start(): void {
    this.#supervised.start().catch((error: ZocaloError) => {
      this.#broken = new ZocaloError('HANDLER_UNREACHABLE', error.happened);
      this.#failAll(this.#broken);
    });
  }

  /** Rejects as `Carrier.ask`; when its program ended while it worked on the event, the cause is a `ProgramEnd`. */
  ask(event: WorkerEvent): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#broken) return reject(this.#broken);
      const at = this.#options.clock.now();
      const key = event.connection ?? event;
      if (!this.#hasRoom(key)) return reject(this.#busy());
      if (this.load === 0) this.#since = at;
      this.#queue.push(key, { event, number: ++this.#numbers, at, resolve, reject });
      this.#send();
      this.#watch();
    });
  }

  #hasRoom(key: unknown): boolean {
    if (this.#queue.size === 0 || this.#queue.size < this.#options.waiting) return true;
    const last = this.#queue.makeRoom(key);
    last?.reject(this.#busy());
    return last !== undefined;
  }

  #busy(): ZocaloError {
    return new ZocaloError('HANDLER_BUSY', `${this.#options.waiting} events wait already`);
  }

  /** Resolves when every event has its answer. */
  settled(): Promise<void> {
    return this.load === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Fails what has no answer, and ends the program. */
  stop(grace: number): Promise<void> {
    this.#closed = true;
    this.#cancelCheck?.();
    this.#broken = new ZocaloError('HANDLER_UNREACHABLE', 'it was stopped');
    this.#failAll(this.#broken);
    return this.#supervised.stop(grace);
  }

  #send(): void {
    const { program } = this.#supervised;
    while (program && this.#sent.length < this.#ahead) {
      const next = this.#again.shift() ?? this.#queue.shift();
      if (!next) break;
      if (this.#hasWaited(next, LONGEST)) {
        next.reject(tooLate(LONGEST * this.#options.timeout));
        continue;
      }
      this.#sent.push(next);
      program.send(`["event",${next.number},${next.event.text}]`);
    }
  }

  /** For so many times the time limit. */
  #hasWaited({ at }: Pending, times: number): boolean {
    return this.#options.clock.now() - at >= times * this.#options.timeout;
  }

  #read(line: string, program: Program): void {
    const read = readWorkerLine(line);
    if (!read) this.#complain('PROGRAM_BAD_LINE', 'a line of a worker is not of the vocabulary, and was dropped');
    else if (read.kind === 'command') void this.#do(read, program);
    else this.#answered(read.number, read.text);
  }

  #answered(number: number, text: string): void {
    const at = this.#sent.findIndex((pending) => pending.number === number);
    if (at < 0) {
      this.#complain('PROGRAM_UNEXPECTED_ANSWER', 'a worker answered an event that waits for no answer');
      return;
    }
    const [pending] = this.#sent.splice(at, 1);
    if (at === 0) {
      const now = this.#options.clock.now();
      const isQuick = (now - this.#since) * this.#ahead <= DUE;
      this.#ahead = isQuick ? Math.min(AHEAD, this.#ahead + 1) : Math.ceil(this.#ahead / 2);
      this.#since = now;
    }
    pending!.resolve(text);
    this.#send();
    this.#tellIdle();
  }

  async #do(command: Command, program: Program): Promise<void> {
    const { number } = command;
    if (++this.#commands >= COMMANDS) program.channel?.pause();
    const answer = await this.#options.onCommand(command).then(
      (text) => `["ok",${number},${text}]`,
      ({ code = 'INTERNAL', message }) => JSON.stringify(['err', number, code, message]),
    );
    // A worker that does not read the answers must not fill the memory with them.
    if (!program.send(answer)) {
      program.channel?.pause();
      await program.drained();
    }
    if (--this.#commands < COMMANDS) this.#supervised.program?.channel?.resume();
  }

  #complain(code: 'PROGRAM_BAD_LINE' | 'PROGRAM_UNEXPECTED_ANSWER', sentence: string): void {
    this.#complaints.write('warn', code, { code, program: this.#options.name }, sentence);
  }

  /** The event that it was working on fails, unless it has failed already because it was late. */
  #ended(end: ProgramEnd): void {
    const { reason, wasStopped } = end;
    if (reason?.code !== 'PROGRAM_TIMEOUT' && !wasStopped) {
      const happened = reason?.happened ?? 'its program ended while it handled the event';
      const code = reason?.code === 'PROGRAM_LINE_TOO_LONG' ? 'HANDLER_BAD_ANSWER' : 'HANDLER_UNREACHABLE';
      this.#sent.shift()?.reject(new ZocaloError(code, happened, { cause: end }));
    }
    this.#again.unshift(...this.#sent);
    this.#sent = [];
    this.#ahead = 1;
    this.#dropLate(LONGEST);
    this.#since = this.#options.clock.now();
    this.#tellIdle();
  }

  /** Starts the timer for the time limit of the first event, unless it runs already. One timer serves many events. */
  #watch(left = this.#options.timeout): void {
    if (this.#cancelCheck || this.#closed) return;
    this.#cancelCheck = this.#options.clock.after(left, () => {
      this.#cancelCheck = undefined;
      if (this.load === 0) return;
      const left = this.#since + this.#options.timeout - this.#options.clock.now();
      if (left <= 0) this.#late();
      if (this.load > 0) this.#watch(left > 0 ? left : undefined);
    });
  }

  #late(): void {
    const { timeout, name, clock } = this.#options;
    this.#since = clock.now();
    const { program } = this.#supervised;
    if (program && this.#sent.length > 0) {
      this.#sent.shift()!.reject(new ZocaloError('HANDLER_TIMEOUT', `no answer came within ${timeout} ms`));
      const happened = `the program ${name} took more than ${timeout} ms for one event`;
      program.fail(new ZocaloError('PROGRAM_TIMEOUT', happened));
    } else if (!program) this.#dropLate(1);
    this.#tellIdle();
  }

  /** While no program runs: what has waited for so many times the time limit. */
  #dropLate(times: number): void {
    const isLate = (pending: Pending) => this.#hasWaited(pending, times);
    const late = [...this.#again.filter(isLate), ...this.#queue.takeWhile(isLate)];
    this.#again = this.#again.filter((pending) => !isLate(pending));
    for (const { reject } of late) reject(new ZocaloError('HANDLER_UNREACHABLE', 'its program does not run'));
  }

  #failAll(error: ZocaloError): void {
    const all = [...this.#sent.splice(0), ...this.#again.splice(0), ...this.#queue.takeWhile(() => true)];
    for (const { reject } of all) reject(error);
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.load === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
