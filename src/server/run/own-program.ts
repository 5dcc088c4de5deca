import { endError, Program, type ProgramEnd, type ProgramOptions } from '../../programs/index.ts';
import type { Message, User } from '../../websocket/index.ts';
import type { ThrottledLog } from '../operations/index.ts';

export interface OwnProgramOptions
  extends Pick<ProgramOptions, 'command' | 'log' | 'clock' | 'env' | 'inherits' | 'budget'> {
  /** For what happened to processes: clients can cause as many as they want. */
  readonly ends: ThrottledLog;
  readonly binary: boolean;
}

/** The process of one connection. When one side is slow, the other waits. */
export class OwnProgram {
  readonly #user: User;
  readonly #options: OwnProgramOptions;
  readonly #program: Program;

  constructor(user: User, options: OwnProgramOptions) {
    const { binary, ends: _ends, ...others } = options;
    this.#user = user;
    this.#options = options;
    this.#program = new Program({
      ...others,
      name: options.command.join(' '),
      channel: false,
      stdin: 'pipe',
      ...(binary ? { onStdout: (bytes) => this.#send(bytes) } : { onStdoutLine: (line) => this.#send(line) }),
      onEnd: (end) => this.#ended(end),
    });
  }

  /** Starts it. Resolves when it is gone. */
  async run(): Promise<void> {
    this.#user.pause(); // until somebody reads
    try {
      await this.#program.start();
    } catch (err) {
      const { command, ends } = this.#options;
      const fields = { err, program: command.join(' '), address: this.#user.remoteAddress };
      ends.write('error', 'start', fields, 'a program could not be started');
      this.#user.close(1011, 'the program could not be started');
    }
    this.#user.resume();
    await this.#program.ended;
  }

  receive(message: Message): void {
    const { stdin } = this.#program;
    if (!stdin) return;
    const { binary } = this.#options;
    const isText = typeof message === 'string';
    const goesOn =
      isText && !binary
        ? stdin.send(message)
        : stdin.write(isText ? Buffer.from(message) : binary ? message : Buffer.concat([message, NEWLINE]));
    if (goesOn || !this.#program.isRunning) return;
    this.#user.pause();
    void stdin.drained().then(() => this.#user.resume());
  }

  /** Its connection is over. Resolves when it is gone. */
  stop(): Promise<void> {
    return this.#program.stop();
  }

  #send(output: string | Buffer): void {
    if (this.#user.send(output) || !this.#user.isOpen) return;
    const { stdout } = this.#program;
    if (!stdout || stdout.isPaused()) return;
    stdout.pause();
    void this.#user.drained().then(() => stdout.resume());
  }

  #ended(end: ProgramEnd): void {
    const { command, ends } = this.#options;
    const { code, signal, took, lastLines } = end;
    const fields = { program: command.join(' '), address: this.#user.remoteAddress, exitCode: code, signal, took };
    if (code === 0 || end.wasStopped) {
      const unlogged = !end.wasStopped && lastLines.length > 0 && { lastLines };
      ends.write('info', 'ended', { ...fields, ...unlogged }, 'a program ended');
      this.#user.close(1000);
      return;
    }
    const err = end.reason ?? endError(command.join(' '), end);
    ends.write('warn', 'failed', { ...fields, err, lastLines }, 'a program failed');
    this.#user.close(1011, signal ? `the program was ended by ${signal}` : `the program ended with exit code ${code}`);
  }
}

const NEWLINE = Buffer.from('\n');
