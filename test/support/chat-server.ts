import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** `zocalo serve` as a user starts it: a process of its own. */
export class ChatServerProcess {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /**
   * Resolves when it has printed its address. `port` 0 is any free one. Without arguments it keeps nothing, so that no
   * test leaves a file behind or meets another's.
   */
  static async start(port = 0, args: readonly string[] = ['--store', 'memory']): Promise<ChatServerProcess> {
    const child = spawn(process.execPath, [CLI, 'serve', '--port', String(port), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const [url] = /http:\S+/.exec(line) ?? [];
      if (url) return new ChatServerProcess(child, url);
    }
    throw new Error('zocalo serve ended before it printed an address');
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Answers the exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    if (this.#child.signalCode !== null) return this.#child.signalCode;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [code, killedBy] = await ended;
    return code ?? killedBy;
  }
}
