import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A hub in a process of its own, to be killed and started again on the same file and port. */
export class HubProcess {
  readonly errors: string[] = [];
  /** Times that a reader's queue was found full. */
  slow = 0;
  /** Times that it was so full that the connection ended. */
  closed = 0;
  kills = 0;
  readonly #path: string;
  #child: ChildProcess | undefined;
  #port = 0;
  #linePort = 0;
  #isUp = false;

  constructor(path: string) {
    this.#path = path;
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
  async start(): Promise<boolean> {
    const program = join(import.meta.dirname, 'hub.ts');
    const child = spawn(process.execPath, [program, this.#path, String(this.#port), String(this.#linePort)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    const listening = Promise.withResolvers<boolean>();
    createInterface(child.stdout).on('line', (line) => {
      const [word, rest] = line.split(/ (.*)/);
      if (word === 'listening' && child.signalCode === null && !child.killed) {
        [this.#port, this.#linePort] = rest!.split(' ').map(Number) as [number, number];
        this.#isUp = true;
        listening.resolve(true);
      } else if (word === 'slow') {
        this.slow += 1;
        if (rest === 'close') this.closed += 1;
      } else if (word === 'error') this.errors.push(rest ?? '');
    });
    child.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL') this.errors.push(`the hub's process ended by itself: ${code ?? signal}`);
      listening.resolve(false);
    });
    return listening.promise;
  }

  /** Resolves when it is dead. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#isUp = false;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    this.kills += 1;
    const dead = once(child, 'exit');
    child.kill('SIGKILL');
    await dead;
  }
}
