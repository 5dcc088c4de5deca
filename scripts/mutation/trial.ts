import { spawn } from 'node:child_process';
import { globSync, rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** What the tests said: all passed, or the name of the first that failed. */
export type Verdict = { passed: true } | { passed: false; by: string };

const LEFT_OUT = new Set(['.git', 'node_modules', 'dist']);

/** A copy of the tree in which one file at a time is changed; the tree itself is never touched. */
export class Trial {
  readonly folder: string;
  /** Ends the tests that run. */
  #stop = () => {};

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(root: string): Promise<Trial> {
    const folder = await mkdtemp(join(tmpdir(), 'zocalo-mutation-'));
    const filter = (path: string) => path === root || !LEFT_OUT.has(basename(path));
    await cp(root, folder, { recursive: true, filter });
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    return new Trial(folder);
  }

  /** Runs these tests with the file changed, and puts it back. */
  async judge(file: string, text: string, tests: readonly string[], limit: number): Promise<Verdict> {
    const path = join(this.folder, file);
    const original = await readFile(path);
    await writeFile(path, text);
    try {
      return await this.run(tests, limit);
    } finally {
      await writeFile(path, original);
    }
  }

  /** Ends with the first test that fails, or after `limit` milliseconds. */
  run(tests: readonly string[], limit: number): Promise<Verdict> {
    const files = tests.flatMap((pattern) => globSync(pattern, { cwd: this.folder })).sort();
    if (files.length === 0) throw new Error(`no test is named by ${tests.join(' ')}`);
    const args = ['--test', '--test-reporter=tap', '--test-force-exit', `--test-timeout=${limit}`, ...files];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    // In a group of its own, so that what a test has started ends with it.
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...env, NODE_OPTIONS: '--max-old-space-size=1024' },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    return new Promise((resolve, reject) => {
      let by: string | undefined;
      this.#stop = () => {
        try {
          process.kill(-child.pid!, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      };
      const stop = (reason: string) => {
        by ??= reason;
        this.#stop();
      };
      const timer = setTimeout(() => stop(`the time limit of ${limit / 1000} s`), limit);
      let line = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (line + chunk).split('\n');
        line = lines.pop()!;
        for (const text of lines) {
          const failed = /^\s*not ok \d+ - (.*)$/.exec(text)?.[1];
          if (failed !== undefined && !/ # (?:TODO|SKIP)/.test(failed)) stop(failed);
        }
      });
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        if (by === undefined && code !== 0) by = `the end of the run with ${code ?? signal}`;
        this.#stop();
        this.#stop = () => {};
        resolve(by ? { passed: false, by } : { passed: true });
      });
    });
  }

  /** Ends the tests that run, and removes the copy. */
  end(): void {
    this.#stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
