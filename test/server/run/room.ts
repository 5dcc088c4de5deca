import type { ZocaloError } from '../../../src/errors.ts';
import { Clients } from '../../../src/server/run/clients.ts';
import type { ReadyOptions } from '../../../src/server/run/command.ts';
import { Conversation } from '../../../src/server/run/conversation.ts';
import type { ConversationOptions, RunningProgram } from '../../../src/server/run/conversation-options.ts';
import type { User } from '../../../src/websocket/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A process that does what the test says for it. */
export class FakeProgram implements RunningProgram {
  /** What it was told, line by line. */
  readonly heard: unknown[][] = [];
  readonly failures: ZocaloError[] = [];

  /** Whether it reads what it is sent. */
  reads = true;
  readonly #waiting: (() => void)[] = [];

  send(line: string): boolean {
    this.heard.push(JSON.parse(line));
    return this.reads;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** It has read everything, and reads on. Resolves when that is known. */
  async read(): Promise<void> {
    this.reads = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
    await Promise.resolve();
  }

  flush(): void {}

  fail(error: ZocaloError): void {
    this.failures.push(error);
  }

  /** Why it was ended, if it was. */
  get failure(): string | undefined {
    return this.failures[0]?.code;
  }

  /** The events that it was given, with the first of their words. */
  get events(): unknown[][] {
    return this.heard.filter(([verb]) => verb !== 'hello' && verb !== 'here');
  }
}

/** A client that keeps what it is sent. */
export class FakeUser {
  readonly got: unknown[] = [];
  readonly request = { remoteAddress: '192.0.2.7', url: '/?room=1', headers: { host: 'chat.example' }, protocols: [] };
  closed: [number, string] | undefined;
  isPaused = false;
  data: unknown;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  send(message: unknown): boolean {
    this.got.push(message);
    return true;
  }

  close(code: number, reason: string): void {
    this.closed = [code, reason];
  }
}

/** A conversation with a fake program, fake clients and a fake clock. */
export class Room {
  readonly clock = new FakeClock();
  readonly users: FakeUser[] = [];
  readonly logged: { level: string; fields: Record<string, unknown>; sentence: string }[] = [];
  readonly ready: ReadyOptions[] = [];
  readonly conversation: Conversation;
  broadcasts = 0;

  constructor(options: Partial<ConversationOptions> = {}) {
    const write = (level: string, _kind: string, fields: object, sentence: string) =>
      void this.logged.push({ level, fields: fields as Record<string, unknown>, sentence });
    this.conversation = new Conversation({
      name: 'php chat.php',
      version: '1.2.3',
      clients: new Clients((message) => {
        this.broadcasts++;
        for (const user of this.users) user.send(message);
      }),
      log: { write },
      clock: this.clock,
      waiting: { events: 1_000, bytes: 1_000_000 },
      whenFull: 'close',
      timeout: 60_000,
      defer: (action) => action(),
      onReady: (ready) => this.ready.push(ready),
      ...options,
    });
  }

  /** A process starts and, unless told otherwise, says that it is ready. */
  start(ready: ReadyOptions | null = { acknowledges: true }): FakeProgram {
    const program = new FakeProgram();
    this.conversation.started(program);
    if (ready) this.say(['ready', 0, ready]);
    return program;
  }

  say(...commands: unknown[][]): void {
    for (const command of commands) this.conversation.line(JSON.stringify(command));
  }

  connect(): FakeUser {
    const user = new FakeUser();
    const answer = this.conversation.upgrade(user.request as never) as { data: number };
    user.data = answer.data;
    this.conversation.connect(user as unknown as User);
    this.users.push(user);
    return user;
  }

  message(user: FakeUser, message: string | Buffer): void {
    this.conversation.message(user.data as never, message);
  }

  disconnect(user: FakeUser, code = 1001): void {
    this.users.splice(this.users.indexOf(user), 1);
    this.conversation.disconnect(user.data as never, code);
  }

  /** The codes of the errors in the log. */
  get codes(): unknown[] {
    return this.logged.map(({ fields }) => (fields.err as ZocaloError | undefined)?.code);
  }
}
