import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../support/free-port.ts';
import { SPEED } from './fast-clock.ts';
import { settings } from './settings.ts';

/** What differs from one life of the server to the next. */
export interface Life {
  /** How many files it may have open; undefined: as many as we. */
  readonly files?: number;
  /** Whether it knows. */
  readonly isTold?: boolean;
  /** Of its clock. */
  readonly speed?: number;
}

/** A server in a process of its own, to be killed and started again on the same files and ports. */
export class ServerProcess {
  readonly errors: string[] = [];
  /** Settles when it ended by itself. */
  readonly ended: Promise<void>;
  #end = (): void => {};
  /** Times that a reader was found slow. */
  slow = 0;
  /** Connections that the server says it cut off to keep files for others; it does not say all of it. */
  full = 0;
  kills = 0;
  reloads = 0;
  /** Reloads that failed since no file could be opened. */
  refusedReloads = 0;
  /** The most memory that any life had at its end, in MiB; 0 where the system does not tell. */
  memory = 0;
  readonly #directory: string;
  readonly #file: string;
  readonly #webhook: () => string;
  #child: ChildProcess | undefined;
  #port = 0;
  #linePort = 0;
  #isUp = false;
  /** Of the configuration. */
  #number = 0;
  #reloaded = (): void => {};

  /** The directory is for its configuration and its database; `webhook` is asked for a URL. */
  constructor(directory: string, webhook: () => string) {
    this.#webhook = webhook;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#directory = directory;
    this.#file = join(directory, 'zocalo.config.json');
  }

  /** Undefined while nobody listens. */
  get port(): number | undefined {
    return this.#isUp ? this.#port : undefined;
  }

  /** As `port`, for raw lines. */
  get linePort(): number | undefined {
    return this.#isUp ? this.#linePort : undefined;
  }

  /** Answers false when it was killed before it listened. */
  async start(life: Life = {}): Promise<boolean> {
    if (this.#port === 0) [this.#port, this.#linePort] = await Promise.all([freePort(), freePort()]);
    this.#configure();
    const how = await this.#live(life);
    if (how !== 'taken') return how === 'listening';
    this.#port = 0;
    return this.start(life);
  }

  async #live({ files, isTold, speed = SPEED }: Life): Promise<string> {
    const program = [process.execPath, join(import.meta.dirname, 'server.ts'), this.#file, speed, isTold ? files : 0];
    const limit = files === undefined ? '' : `ulimit -n ${files}; `;
    const child = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...program.map(String)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    const { promise, resolve } = Promise.withResolvers<string>();
    createInterface(child.stdout).on('line', (line) => {
      const [word, rest = ''] = line.split(/ (.*)/) as [string, string?];
      if (word === 'error') this.errors.push(rest);
      else if (word === 'slow') this.slow += 1;
      else if (word === 'full') this.full += Number(rest);
      else if (word === 'reloaded' || word === 'refused') {
        if (word === 'reloaded') this.reloads += 1;
        else this.refusedReloads += 1;
        this.#reloaded();
      } else if (child.signalCode === null && !child.killed) {
        this.#isUp = word === 'listening';
        resolve(word);
      }
    });
    child.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0) {
        this.errors.push(`the server ended by itself: ${code ?? signal}`);
        this.#end();
      }
      resolve('killed');
      this.#reloaded();
    });
    return promise;
  }

  /** Gives it the next configuration. Answers whether it has taken it. */
  async reload(isCalm = false): Promise<boolean> {
    const child = this.#child;
    if (!this.#isUp || !child || child.exitCode !== null || child.signalCode !== null) return false;
    this.#configure(isCalm);
    const { reloads } = this;
    const done = new Promise<void>((resolve) => {
      this.#reloaded = resolve;
    });
    child.kill('SIGHUP');
    await done;
    return this.reloads > reloads;
  }

  #configure(isCalm = false): void {
    const database = join(this.#directory, 'square.db');
    const place = { port: this.#port, linePort: this.#linePort, database, webhook: this.#webhook() };
    // In one go: it may be read at any moment.
    writeFileSync(`${this.#file}.new`, JSON.stringify(settings(place, this.#number++, isCalm)));
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** Looks at the memory of the life that is. */
  measure(): void {
    if (this.#child) this.memory = Math.max(this.memory, peakOf(this.#child));
  }

  /** Resolves when it is dead. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#isUp = false;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    this.kills += 1;
    this.measure();
    const dead = once(child, 'exit');
    child.kill('SIGKILL');
    await dead;
  }
}

/** The most memory that a process has had, in MiB. */
function peakOf({ pid }: ChildProcess): number {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024);
  } catch {
    return 0;
  }
}
