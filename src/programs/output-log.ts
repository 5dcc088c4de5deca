import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { LineBuffer, lineText } from '../stream/index.ts';
import { LineBudget } from './line-budget.ts';
import type { ProgramLog } from './log.ts';

/** Lines a second of one program that are written to the log; the others are counted. */
const LINES = 100;
/** Bytes of a line; a longer one is written as several. */
const LONGEST = 8 * 1024;
/** How many lines are kept for the entry about the program's end. */
const KEPT = 20;
/** Milliseconds after which a line is written, unless the program has ended: then it is only in the entry about that. */
const HELD = 250;

interface Line {
  readonly level: 'info' | 'warn';
  readonly text: string;
}

/** Writes what a program prints to the log, under its name, and keeps its last lines. */
export class OutputLog {
  readonly #name: string;
  readonly #log: ProgramLog;
  readonly #clock: Clock;
  readonly #last: string[] = [];
  readonly #own: LineBudget;
  readonly #shared: LineBudget | undefined;
  #leftOut = 0;
  /** The lines at the end of `#last` that are not written yet. */
  #held: Line[] = [];
  #cancelWrite = () => {};

  /** `shared`: what several programs together may write. */
  constructor(name: string, log: ProgramLog, clock: Clock, shared?: LineBudget) {
    this.#name = name;
    this.#log = log;
    this.#clock = clock;
    this.#own = new LineBudget(LINES, clock);
    this.#shared = shared;
  }

  follow(stream: Readable, level: Line['level']): void {
    const buffer = new LineBuffer();
    stream.on('data', (chunk: Buffer) => {
      buffer.append(chunk);
      for (let line = buffer.take(); line; line = buffer.take()) this.#add(level, line);
      if (buffer.length > LONGEST) this.#add(level, buffer.takeRest());
    });
    stream.on('end', () => this.#add(level, buffer.takeRest()));
  }

  /** The program has ended. Returns its last lines; if they will be logged, it writes no more of them itself. */
  end(willBeLogged: boolean): readonly string[] {
    if (willBeLogged) this.#held = [];
    this.#writeAll();
    return this.#last;
  }

  #add(level: Line['level'], bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += LONGEST) {
      const text = lineText(bytes.subarray(from, from + LONGEST));
      if (this.#last.push(text) > KEPT) this.#last.shift();
      if (this.#held.push({ level, text }) > KEPT) this.#write(this.#held.shift()!);
      else if (this.#held.length === 1) this.#cancelWrite = this.#clock.after(HELD, () => this.#writeAll());
    }
  }

  #writeAll(): void {
    this.#cancelWrite();
    for (const line of this.#held.splice(0)) this.#write(line);
  }

  #write({ level, text }: Line): void {
    if (!this.#own.take() || this.#shared?.take() === false) {
      this.#leftOut++;
      return;
    }
    this.#log[level]({ program: this.#name, ...(this.#leftOut > 0 && { leftOut: this.#leftOut }) }, text);
    this.#leftOut = 0;
  }
}
