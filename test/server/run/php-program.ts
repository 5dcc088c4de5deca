import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type SharedOptions, SharedProgram } from '../../../src/server/run/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

const LIBRARY = fileURLToPath(new URL('../../../php/websockets.php', import.meta.url));

/** The program of the tutorials, with what a test wants of it. */
export function phpProgram(t: TestContext, methods: string, { run = '$room->run();' } = {}): string {
  const file = join(temporaryFolder(t), 'room.php');
  writeFileSync(file, phpText(methods, run));
  return file;
}

export function phpText(methods: string, run = '$room->run();'): string {
  const missing = ['process', 'connected', 'closed'].filter((name) => !methods.includes(`function ${name}(`));
  const empty = missing.map((name) => `protected function ${name}($user${name === 'process' ? ', $message' : ''}) {}`);
  return `<?php
require_once ${JSON.stringify(LIBRARY)};
class Room extends WebSocketServer {
  ${methods}
  ${empty.join('\n  ')}
}
$room = new Room('127.0.0.1', '0');
${run}
`;
}

export interface LogEntry {
  readonly level: string;
  readonly sentence: string;
  readonly [field: string]: unknown;
}

/** The program, open, with what it logs. */
export class PhpRoom {
  readonly shared: SharedProgram;
  readonly log: LogEntry[] = [];
  readonly file: string;

  private constructor(file: string, options: Partial<SharedOptions>) {
    this.file = file;
    const write = (level: string) => (fields: object, sentence: string) => {
      this.log.push({ level, sentence, ...fields });
    };
    const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
    this.shared = new SharedProgram({ command: ['php', file], version: '0', log, ...options });
  }

  static async open(t: TestContext, file: string, options: Partial<SharedOptions> = {}): Promise<PhpRoom> {
    const room = new PhpRoom(file, options);
    t.after(() => room.shared.close(0));
    await room.shared.open();
    return room;
  }

  get url(): string {
    return this.shared.addresses[0]!;
  }

  get pid(): number {
    return this.shared.pid!;
  }

  /** SIGKILL to the program. Resolves when the next process is there. */
  async kill(): Promise<void> {
    const { pid } = this;
    process.kill(pid, 'SIGKILL');
    await until(() => this.shared.pid !== undefined && this.shared.pid !== pid, 'the program is started again');
  }

  /** Waits for an entry of the log. */
  async logs(sentence: RegExp): Promise<LogEntry> {
    let found: LogEntry | undefined;
    await until(() => {
      found = this.log.find((entry) => sentence.test(entry.sentence));
      return found !== undefined;
    }, `the log says ${sentence}`);
    return found!;
  }
}

/** A browser's socket, with what it got. */
export class Visitor {
  readonly got: unknown[] = [];
  readonly socket: WebSocket;
  closed: CloseEvent | undefined;

  private constructor(url: string, protocols?: string[]) {
    this.socket = new WebSocket(url, protocols);
    this.socket.binaryType = 'arraybuffer';
    this.socket.addEventListener('message', ({ data }) => this.got.push(data));
    this.socket.addEventListener('close', (event) => {
      this.closed = event;
    });
    this.socket.addEventListener('error', () => {});
  }

  static async connect(t: TestContext, url: string, protocols?: string[]): Promise<Visitor> {
    const visitor = new Visitor(url, protocols);
    t.after(() => visitor.socket.close());
    await until(() => visitor.socket.readyState !== WebSocket.CONNECTING, 'the handshake is answered');
    return visitor;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.socket.send(message);
  }

  /** Waits until it has got so many messages, and returns all. */
  async messages(count: number): Promise<unknown[]> {
    await until(() => this.got.length >= count, `${count} messages arrive, not only ${this.got.length}`);
    return this.got;
  }
}
