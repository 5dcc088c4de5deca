import { type ChildProcessWithoutNullStreams, type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** A program that a test started, with what it says. */
export class Program {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';
  readonly #exited: Promise<number | NodeJS.Signals>;

  constructor(command: string, args: readonly string[], options: SpawnOptionsWithoutStdio = {}) {
    this.child = spawn(command, args, options);
    this.child.stdin.on('error', () => {}); // it may end before it has read everything
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.#exited = once(this.child, 'close').then(([code, signal]) => code ?? signal);
  }

  /** The exit code, or the signal that ended it. */
  get exited(): Promise<number | NodeJS.Signals> {
    return this.#exited;
  }

  /** Settles when `stream` holds what `pattern` looks for. */
  async says(pattern: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this[stream]);
      if (found) return found;
      const ended = this.#exited.then((how) => {
        throw new Error(`ended with ${how} before it said ${pattern}: ${this.stdout}${this.stderr}`);
      });
      await Promise.race([once(this.child[stream], 'data'), ended]);
    }
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.child.kill(signal);
    return this.#exited;
  }
}

/** `zocalo …` with its own process, as a user starts it. */
export function zocalo(...args: string[]): Program {
  return new Program(process.execPath, [CLI, ...args]);
}

/** The same in a directory, with further variables of the environment. */
export function zocaloIn(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  return new Program(process.execPath, [CLI, ...args], { cwd, env: { ...process.env, ...env } });
}

/** `zocalo listen …`, once it listens, and where. */
export async function zocaloListen(url: string, ...args: string[]): Promise<{ program: Program; addresses: string[] }> {
  const program = zocalo('listen', url, ...args);
  const count = url.includes('localhost') ? 2 : 1;
  await program.says(new RegExp(`(listening on \\S+\\n){${count}}`), 'stderr');
  const addresses = [...program.stderr.matchAll(/listening on (\S+)/g)].map((match) => match[1]!);
  return { program, addresses };
}
