import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { type ChannelKind, endError, FileWatch, type ProgramEnd, Supervised } from '../../programs/index.ts';
import type { ServerOptions } from '../../websocket/index.ts';
import { ClientAddress } from '../http/index.ts';
import { type Log, ThrottledLog } from '../operations/index.ts';
import { Clients } from './clients.ts';
import type { ReadyOptions } from './command.ts';
import { Conversation } from './conversation.ts';
import type { HowEnded } from './conversation-options.ts';
import { LISTEN, ORIGINS } from './defaults.ts';
import type { WaitingLimits } from './event-queue.ts';
import { RoomServer } from './room-server.ts';

export interface SharedOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly version: string;
  readonly log: Log;
  /** Where to listen. Default: where the program says, or else `ws://127.0.0.1:9000`. */
  readonly listen?: string | undefined;
  /**
   * Options of the engine. Without `origins`: those that the program names, or else pages of the same host and files.
   */
  readonly server?: ServerOptions;
  /** Addresses and networks of trusted proxies, which name the client. Default: none. */
  readonly proxies?: readonly string[];
  /** Events that wait for the program at most. Default: 10,000, and 16 MiB. */
  readonly waiting?: Partial<WaitingLimits>;
  /** What happens to a message that is too many: its client is closed with 1013 (the default), or gets an answer. */
  readonly whenFull?: 'close' | 'answer';
  /** Milliseconds that an event may take. Default 60,000. */
  readonly timeout?: number;
  /** Whether the program is started again when one of its files is saved. */
  readonly watch?: boolean;
  /** How it exchanges lines with the program. Default: 'fds', and 'tcp' on Windows. */
  readonly channel?: ChannelKind;
  readonly clock?: Clock;
}

const DEFAULTS = {
  waiting: { events: 10_000, bytes: 16 * 1024 * 1024 },
  whenFull: 'close',
  timeout: 60_000,
} as const;

/** Milliseconds that the program has at the end to handle the `disconnect` of its clients. */
const FAREWELL = 1_000;

/** One program for all connections of a server. */
export class SharedProgram {
  readonly #options: SharedOptions;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #log: ThrottledLog;
  readonly #addresses: ClientAddress;
  readonly #clients: Clients;
  readonly #conversation: Conversation;
  readonly #program: Supervised;
  readonly #first = Promise.withResolvers<ReadyOptions>();
  #server: RoomServer | undefined;
  #watch: FileWatch | undefined;
  #isReady = false;

  /** @throws ZocaloError BAD_OPTION, for `proxies`. */
  constructor(options: SharedOptions) {
    const { command, version, log, whenFull = DEFAULTS.whenFull, timeout = DEFAULTS.timeout } = options;
    this.#options = options;
    this.#name = command.join(' ');
    this.#clock = options.clock ?? systemClock;
    this.#log = new ThrottledLog(log, this.#clock);
    this.#addresses = new ClientAddress(options.proxies);
    this.#clients = new Clients((message) => this.#server?.broadcast(message));
    this.#conversation = new Conversation({
      name: this.#name,
      version,
      clients: this.#clients,
      log: this.#log,
      clock: this.#clock,
      waiting: { ...DEFAULTS.waiting, ...options.waiting },
      whenFull,
      timeout,
      defer: setImmediate,
      onReady: (ready) => this.#ready(ready),
    });
    this.#program = new Supervised({
      command,
      name: this.#name,
      channel: options.channel,
      log,
      clock: this.#clock,
      onStart: (program) => this.#conversation.started(program),
      onLine: (line) => this.#conversation.line(line),
      givesUp: (end) => this.#isWrong(end),
      onEnd: (end) => this.#ended(end),
    });
  }

  /** Where it listens, with the actual port: `ws://127.0.0.1:9000`. */
  get addresses(): readonly string[] {
    return this.#server?.addresses ?? [];
  }

  /** The process of the program, while one runs. */
  get pid(): number | undefined {
    return this.#program.program?.pid;
  }

  /**
   * Starts the program, and listens once it is ready.
   * @throws ZocaloError PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE, PROGRAM_FAILED_TO_START, PROGRAM_ENDED, and those of
   *   `WebSocketServer.listen`.
   */
  async open(): Promise<void> {
    const { listen, server } = this.#options;
    if (this.#options.watch) this.#follow([]);
    try {
      const started = this.#program.start();
      const ready = await Promise.race([this.#first.promise, started.then(() => this.#first.promise)]);
      this.#server = new RoomServer(listen ?? ready.listen ?? LISTEN, this.#conversation, this.#log, {
        origins: ready.origins ?? ORIGINS,
        clientAddress: (request) => this.#addresses.of(request),
        ...server,
        clock: this.#clock,
      });
      await this.#server.listen();
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** Ends the process, and starts another. */
  restart(): void {
    void this.#program.restart();
  }

  /** Closes the connections (1001), lets the program handle their `disconnect`, and ends it. */
  async close(grace?: number): Promise<void> {
    this.#watch?.stop();
    await this.#server?.close(grace === undefined ? {} : { grace });
    const end = this.#clock.now() + FAREWELL;
    while (this.#program.program && !this.#conversation.isIdle && this.#clock.now() < end)
      await new Promise<void>((resolve) => this.#clock.after(10, resolve));
    this.#conversation.stop();
    await this.#program.stop();
  }

  #ready(ready: ReadyOptions): void {
    this.#isReady = true;
    this.#first.resolve(ready);
    if (this.#options.watch) this.#follow(ready.files ?? []);
  }

  /** The very first process ended before it was ready: the command itself is wrong. With `watch` it can be corrected. */
  #isWrong(end: ProgramEnd): boolean {
    return !this.#isReady && !this.#options.watch && !end.wasStopped;
  }

  #ended(end: ProgramEnd): void {
    this.#conversation.ended(howEnded(end), end.unread);
    if (!this.#isWrong(end)) return;
    const { happened } = endError(this.#name, end);
    const said = end.lastLines.filter((line) => line.trim() !== '').slice(-3);
    const advice = said.length > 0 ? `it said: ${said.join(' / ')}` : 'it said nothing; try it without zocalo run';
    this.#first.reject(new ZocaloError('PROGRAM_ENDED', happened, { advice }));
  }

  #follow(files: readonly string[]): void {
    const { command, log } = this.#options;
    const named = command.slice(1).filter((word) => existsSync(word));
    const all = new Set([...named, ...files].map((file) => resolve(file)));
    this.#watch?.stop();
    this.#watch = new FileWatch(
      [...all],
      (file) => {
        log.info({ program: this.#name, file }, 'a file of the program was saved; it is started again');
        this.restart();
      },
      this.#clock,
    );
    this.#watch.start();
  }
}

/** Signals from outside: from a person, or from the system when memory is short. */
const FROM_OUTSIDE: ReadonlySet<string | null> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);

function howEnded({ wasStopped, code, signal, reason }: ProgramEnd): HowEnded {
  if (wasStopped) return 'stopped';
  if (code !== null) return 'exited';
  return FROM_OUTSIDE.has(signal) && !reason ? 'killed' : 'crashed';
}
