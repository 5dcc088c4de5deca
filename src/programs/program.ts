import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { nodeChildProcess } from '../builtins.ts';
import type { Clock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { type ChannelEnds, type ChannelKind, channelOf, type ProgramChannel } from './channel.ts';
import { cleanEnvironment, type Variables } from './environment.ts';
import { type Guard, guard as sharedGuard } from './guard.ts';
import type { LineBudget } from './line-budget.ts';
import { LineReader } from './line-reader.ts';
import { LineWriter } from './line-writer.ts';
import type { ProgramLog } from './log.ts';
import { OutputLog } from './output-log.ts';
import type { ProgramEnd } from './program-end.ts';
import { startError } from './start-error.ts';

export interface ProgramOptions {
  /** A program and its arguments, as `commandOf` gives them. It is never started through a shell. */
  readonly command: readonly string[];
  /** Its name in the log. */
  readonly name: string;
  /** The folder that it starts in. Default: this process's. */
  readonly cwd?: string | undefined;
  /** Variables beside those that it inherits, or in their place. Newlines in them become blanks. */
  readonly env?: Variables;
  /** The variables of this process that it inherits. Default: all but `ZOCALO_…`, which have Zócalo's own secrets. */
  readonly inherits?: readonly string[] | undefined;
  readonly log: ProgramLog;
  readonly clock: Clock;
  /** How lines are exchanged; false: they are not. Default: 'fds', and 'tcp' on Windows. */
  readonly channel?: ChannelKind | false | undefined;
  /** Bytes of a line at most; a program that writes a longer one is killed. Default 16 MiB. */
  readonly maxLine?: number;
  /** 'pipe': see `stdin`. Default 'ignore': it is empty. */
  readonly stdin?: 'ignore' | 'pipe';
  /** Gets each line of the channel. */
  readonly onLine?: (line: string) => void;
  /** Gets each line that it prints, in place of the log. */
  readonly onStdoutLine?: (line: string) => void;
  /** Gets the bytes that it prints, in place of the log. */
  readonly onStdout?: (bytes: Buffer) => void;
  /**
   * Called once, when the process and all that it started are gone and everything it wrote was read; not if it could
   * not be started.
   */
  readonly onEnd?: (end: ProgramEnd) => void;
  /** Lines that it and others together may write to the log. */
  readonly budget?: LineBudget;
  readonly guard?: Guard;
}

/**
 * Node's pipes are socket pairs, which bash takes for a network connection: it would read the user's .bashrc, as for a
 * remote login. A bash that another shell has started does not.
 */
const NESTED = { SHLVL: '1' };
const MAX_LINE = 16 * 1024 * 1024;
/** Milliseconds until the processes that a program has left behind are killed. */
const LEFT_BEHIND = 500;
/** Milliseconds between the end of its channel and the end of the program. */
const CLOSING = 1_000;
/** Bytes that the system keeps for a program until it reads them, about: Linux's default. */
const KEPT_BY_SYSTEM = 208 * 1024;
/** Milliseconds to connect to a channel of the kind 'tcp'. */
const CONNECTING = 10_000;
/** Milliseconds that a program has to end when it is stopped. */
const GRACE = 2_000;

/**
 * One process, from its start to its end, with a channel for lines that leaves its stdout and stderr free: these go to
 * the log. On Unix it leads a process group of its own, and ends with all that it has started.
 *
 * @example
 * const program = new Program({ command: ['php', 'worker.php'], name: 'shop', log, clock, onLine: (line) => … });
 * await program.start();
 * program.send('["event",1,{}]');
 */
export class Program {
  readonly name: string;
  readonly #options: ProgramOptions;
  readonly #output: OutputLog;
  readonly #reader: LineReader;
  readonly #stdoutReader: LineReader;
  readonly #writer = new LineWriter();
  readonly #guard: Guard;
  readonly #ended = Promise.withResolvers<void>();
  #stage: 'new' | 'starting' | 'running' | 'stopping' | 'exited' | 'ended' = 'new';
  #channel: ProgramChannel | undefined;
  #child: ChildProcess | undefined;
  #stdin: LineWriter | undefined;
  #input: Readable | undefined;
  #reason: ZocaloError | undefined;
  #wasStopped = false;
  #hasUnread = false;
  #begun = 0;
  readonly #timers = new Set<() => void>();

  constructor(options: ProgramOptions) {
    const { name, log, clock, maxLine = MAX_LINE, onLine = () => {}, onStdoutLine = () => {} } = options;
    this.name = name;
    this.#options = options;
    this.#output = new OutputLog(name, log, clock, options.budget);
    this.#reader = new LineReader({ maxLine, onLine, onTooLong: () => this.#tooLong('channel', maxLine) });
    this.#stdoutReader = new LineReader({
      maxLine,
      onLine: onStdoutLine,
      onTooLong: () => this.#tooLong('standard output', maxLine),
    });
    this.#guard = options.guard ?? sharedGuard;
  }

  /** Of the process, once it has started. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether it has started, and was neither stopped nor has ended. */
  get isRunning(): boolean {
    return this.#stage === 'running';
  }

  /** With the option `stdin: 'pipe'`, once it has started. */
  get stdin(): LineWriter | undefined {
    return this.#stdin;
  }

  /** With `onStdoutLine` or `onStdout`: to pause and resume what it prints, so that the program waits. */
  get stdout(): Pick<Readable, 'pause' | 'resume' | 'isPaused'> | undefined {
    return this.#child?.stdout ?? undefined;
  }

  /** What it writes to its channel, once that is open: to pause and resume it, so that the program waits. */
  get channel(): Pick<Readable, 'pause' | 'resume'> | undefined {
    return this.#input;
  }

  /** Resolves when it has ended, as `onEnd` tells it. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Call it once. Resolves when the process has started.
   * @throws ZocaloError PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE, PROGRAM_FAILED_TO_START.
   */
  async start(): Promise<void> {
    const { command, cwd } = this.#options;
    this.#stage = 'starting';
    try {
      await this.#spawn();
    } catch (cause) {
      this.#channel?.close();
      this.#settle();
      throw startError(cause, command, cwd);
    }
  }

  /** A line to its channel; lines of one turn leave in one write. False: much is queued, wait for `drained`. */
  send(line: string): boolean {
    return this.#writer.send(line);
  }

  /** Writes at once what was sent in this turn of the event loop, which otherwise happens at its end. */
  flush(): void {
    this.#writer.flush();
  }

  /** Resolves when little is queued for its channel, or it has ended. */
  drained(): Promise<void> {
    return this.#writer.drained();
  }

  /** Kills the process for a mistake of its own, which is logged. `onEnd` gets it as the reason. */
  fail(error: ZocaloError): void {
    if (!this.#blame(error)) return;
    this.#signal('SIGKILL');
  }

  /**
   * Ends its channel and its stdin, then sends SIGINT, SIGTERM and, after `grace` milliseconds, SIGKILL to its process
   * group. Resolves when all of it is gone.
   */
  stop(grace = GRACE): Promise<void> {
    this.#wasStopped = true;
    return this.#stop(grace);
  }

  /** SIGKILL to its process group, at once. */
  kill(): Promise<void> {
    this.#wasStopped = true;
    this.#signal('SIGKILL');
    return this.ended;
  }

  async #spawn(): Promise<void> {
    const { command, cwd, env = {}, inherits, channel = defaultChannel(), stdin = 'ignore', clock } = this.#options;
    if (channel !== false) this.#channel = channelOf(channel);
    const where = (await this.#channel?.open()) ?? {};
    const names = inherits ?? Object.keys(process.env).filter((name) => !/^zocalo_/i.test(name));
    const inherited = Object.fromEntries(names.map((name) => [name, process.env[name]]));
    const [program, ...args] = command;
    if (this.#wasStopped) throw new Error('it was stopped before');
    const child = nodeChildProcess().spawn(program!, args, {
      cwd,
      env: cleanEnvironment(NESTED, inherited, env, where),
      stdio: [stdin, 'pipe', 'pipe', ...(this.#channel?.stdio ?? [])],
      detached: process.platform !== 'win32', // a process group of its own
      windowsHide: true,
    });
    // A failed read or write shows when the process ends.
    for (const stream of child.stdio) stream?.on('error', () => {});
    if (child.pid !== undefined) this.#guard.add(child.pid);
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.on('error', () => {}); // a signal that could not be sent
    this.#child = child;
    this.#stage = 'running';
    this.#begun = clock.now();
    child.once('exit', () => this.#exited());
    child.once('close', (code, signal) => this.#closed(code, signal));
    this.#connect(child);
    if (this.#wasStopped) this.#signal('SIGKILL');
  }

  #connect(child: ChildProcess): void {
    const { onStdoutLine, onStdout } = this.#options;
    if (onStdout) child.stdout!.on('data', onStdout);
    else if (onStdoutLine) this.#stdoutReader.open(child.stdout!);
    else this.#output.follow(child.stdout!, 'info');
    this.#output.follow(child.stderr!, 'warn');
    if (child.stdin) this.#stdin = new LineWriter(child.stdin);
    if (!this.#channel) return;
    const giveUp = this.#after(CONNECTING, () =>
      this.fail(
        new ZocaloError(
          'PROGRAM_FAILED_TO_START',
          `the program ${this.name} did not connect to its channel within ${CONNECTING / 1000} s`,
          { advice: 'connect to the address in ZOCALO_CHANNEL, and say ZOCALO_CHANNEL_SECRET in the first line' },
        ),
      ),
    );
    this.#channel.attach(child, (ends) => {
      giveUp();
      this.#open(ends);
    });
  }

  #open({ input, output }: ChannelEnds): void {
    this.#input = input;
    this.#reader.open(input);
    this.#writer.open(output);
    const closed = () => {
      if (this.#stage !== 'running') return;
      this.#after(CLOSING, () => this.#closedChannel());
    };
    input.once('end', closed).once('error', closed);
    output.once('close', closed).once('error', closed);
    output.once('error', () => {
      this.#hasUnread = true; // it is gone, and had not read everything
    });
    input.resume();
  }

  #closedChannel(): void {
    const error = new ZocaloError(
      'PROGRAM_CLOSED_CHANNEL',
      `the program ${this.name} has closed its channel, and goes on`,
    );
    if (this.#blame(error)) void this.#stop(GRACE);
  }

  #tooLong(where: string, maxLine: number): void {
    const happened = `a line of the program ${this.name} on its ${where} is longer than ${maxLine} bytes`;
    this.fail(new ZocaloError('PROGRAM_LINE_TOO_LONG', happened));
  }

  /** False if it ends already. */
  #blame(error: ZocaloError): boolean {
    if (this.#stage !== 'running') return false;
    this.#reason = error;
    this.#options.log.error({ program: this.name, pid: this.pid, err: error }, 'a program made a mistake and is ended');
    this.#reader.stop();
    this.#stdoutReader.stop();
    return true;
  }

  #stop(grace: number): Promise<void> {
    if (this.#stage === 'new') this.#settle();
    if (this.#stage !== 'running') return this.ended;
    this.#stage = 'stopping';
    const hears = this.#channel !== undefined || this.#stdin !== undefined;
    this.#writer.end();
    this.#stdin?.end();
    if (grace <= 0) this.#signal('SIGKILL');
    else if (hears) this.#after(grace / 10, () => this.#signal('SIGINT'));
    else this.#signal('SIGINT');
    this.#after(grace / 2, () => this.#signal('SIGTERM'));
    this.#after(grace, () => this.#signal('SIGKILL'));
    return this.ended;
  }

  /** It never ran. */
  #settle(): void {
    this.#stage = 'ended';
    this.#ended.resolve();
  }

  #exited(): void {
    this.#stage = 'exited';
    this.#channel?.close();
    this.#cancelTimers();
    // Processes that it has started may live on and keep its output open.
    if (!this.#signal('SIGTERM')) return;
    this.#after(LEFT_BEHIND, () => {
      this.#signal('SIGKILL');
      for (const stream of this.#child!.stdio) stream?.destroy();
    });
  }

  /** All its output was read. */
  #closed(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#signal(0)) {
      // Something in its group is left, without output; perhaps a dead process that its parent has not waited for.
      this.#after(LEFT_BEHIND, () => {
        this.#signal('SIGKILL');
        this.#finish(code, signal);
      });
    } else this.#finish(code, signal);
  }

  #finish(code: number | null, signal: NodeJS.Signals | null): void {
    this.#cancelTimers();
    if (this.pid !== undefined) this.#guard.remove(this.pid);
    this.#writer.end();
    this.#stdin?.end();
    const { clock, onEnd } = this.#options;
    this.#stage = 'ended';
    onEnd?.({
      code,
      signal,
      took: Math.round(clock.now() - this.#begun),
      lastLines: this.#output.end(!this.#wasStopped),
      reason: this.#reason,
      wasStopped: this.#wasStopped,
      unread: this.#hasUnread ? KEPT_BY_SYSTEM + this.#writer.untaken : 0,
    });
    this.#ended.resolve();
  }

  /** Sends a signal to the whole group. False: no process is left in it. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const pid = this.#child?.pid;
    if (pid === undefined || this.#stage === 'ended') return false;
    if (process.platform === 'win32') return this.#stage !== 'exited' && this.#child!.kill(signal);
    try {
      return process.kill(-pid, signal);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
    }
  }

  #after(delay: number, action: () => void): () => void {
    const cancel = this.#options.clock.after(delay, () => {
      this.#timers.delete(cancel);
      action();
    });
    this.#timers.add(cancel);
    return () => {
      cancel();
      this.#timers.delete(cancel);
    };
  }

  #cancelTimers(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}

function defaultChannel(): ChannelKind {
  return process.platform === 'win32' ? 'tcp' : 'fds';
}
