import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { Hub } from '../../hub/index.ts';
import { commandOf, Supervised } from '../../programs/index.ts';
import { JsonText } from '../../protocol/index.ts';
import type { ChannelProgramConfig } from '../config/index.ts';
import { type Log, ThrottledLog } from '../operations/index.ts';

/** Bytes of a line at most. */
const MAX_LINE = 1024 * 1024;
/** When this many lines wait for the log, the program has to wait, too. */
const WAITING = 256;
/**
 * What may wait for the program: bytes on its stdin, and lines before it has started. Further publications are left
 * out.
 */
const QUEUED = 1024 * 1024;
const EARLY = 1_000;

export interface ChannelProgramParts {
  readonly hub: Hub;
  readonly log: Log;
  readonly clock: Clock;
}

/** The program of one channel: it runs while somebody listens, and some time longer. */
export class ChannelProgram {
  readonly #channel: string;
  readonly #config: ChannelProgramConfig;
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #log: ThrottledLog;
  readonly #supervised: Supervised;
  #isWanted = false;
  #cancelStop = (): void => {};
  /** Starts and stops, one after the other. */
  #change: Promise<void> = Promise.resolve();
  /** Lines for its stdin while no process is there. */
  #early: string[] = [];
  /** Lines that are not in the log yet. */
  #waiting = 0;
  /** Its own lines that are on the way to the log, and how often each of them is. */
  readonly #own = new Map<string, number>();

  constructor(channel: string, config: ChannelProgramConfig, { hub, log, clock }: ChannelProgramParts) {
    this.#channel = channel;
    this.#config = config;
    this.#hub = hub;
    this.#clock = clock;
    this.#log = new ThrottledLog(log, clock);
    this.#supervised = new Supervised({
      command: commandOf(config.run),
      name: channel,
      log,
      clock,
      channel: false,
      stdin: config.stdin ? 'pipe' : 'ignore',
      maxLine: MAX_LINE,
      onStdoutLine: (line) => void this.#publish(line),
      onStart: (program) => {
        for (const line of this.#early.splice(0)) program.stdin?.send(line);
      },
    });
  }

  /** Somebody listens. */
  start(): void {
    this.#cancelStop();
    if (this.#isWanted) return;
    this.#isWanted = true;
    // What fails was logged, and is tried again.
    this.#change = this.#change.then(() => this.#supervised.start()).catch(() => {});
  }

  /** Nobody listens any more. */
  stopLater(): void {
    this.#cancelStop = this.#clock.after(this.#config.linger, () => void this.stop());
  }

  /** Resolves when nothing of its process is left. */
  stop(grace?: number): Promise<void> {
    this.#cancelStop();
    this.#isWanted = false;
    this.#early = [];
    this.#change = this.#change.then(() => this.#supervised.stop(grace));
    return this.#change;
  }

  /** Something was published in its channel. `isClient`: by a client, not by the server. */
  published(data: string, isClient: boolean): void {
    if (!this.#config.stdin || (!isClient && this.#own.has(data))) return;
    if (!this.#isWanted) return;
    const stdin = this.#supervised.program?.stdin;
    if (stdin ? stdin.queued > QUEUED : this.#early.length >= EARLY) {
      const fields = { program: this.#channel, queued: stdin?.queued };
      this.#log.write('warn', 'stdin', fields, 'a program does not read its stdin: a publication was left out');
      return;
    }
    const value: unknown = JSON.parse(data);
    const line = typeof value === 'string' ? value.replaceAll(/[\r\n]+/g, ' ') : data;
    if (stdin) stdin.send(line);
    else this.#early.push(line);
  }

  async #publish(line: string): Promise<void> {
    const data = this.#dataOf(line);
    if (++this.#waiting === WAITING) this.#supervised.program?.stdout?.pause();
    this.#own.set(data.text, (this.#own.get(data.text) ?? 0) + 1);
    try {
      await this.#hub.publish(this.#channel, data);
    } catch (cause) {
      const happened = `a line of the program of ${this.#channel} could not be published: ${(cause as Error).message}`;
      const err = new ZocaloError('PROGRAM_BAD_LINE', happened, { cause, advice: 'the line was left out' });
      this.#log.write('error', 'publish', { program: this.#channel, err }, 'a line was not published');
    } finally {
      const count = this.#own.get(data.text)!;
      if (count > 1) this.#own.set(data.text, count - 1);
      else this.#own.delete(data.text);
      if (this.#waiting-- === WAITING) this.#supervised.program?.stdout?.resume();
    }
  }

  #dataOf(line: string): JsonText {
    if (this.#config.json)
      try {
        return JsonText.parse(line);
      } catch {} // then it is a text
    return JsonText.of(line);
  }
}
