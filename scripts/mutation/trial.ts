import { spawn } from 'node:child_process';
import { globSync, rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';

/** What the tests said: all passed, the first that failed and its file, or nothing within the time limit. */
export type Verdict = { end: 'passed' } | { end: 'failed'; by: string; file?: string } | { end: 'late' };

const LEFT_OUT = new Set(['.git', 'node_modules', 'dist']);

/** A copy of the tree in which one file at a time is changed; the tree itself is never touched. */
export class Trial {
  readonly folder: string;
  /** Stops the running tests. */
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

  /** Runs these tests with the file changed, and restores the file. */
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
    const args = ['--test', '--test-reporter=tap', '--test-force-exit', ...files];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    // In its own process group, so that processes started by a test end with it.
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...env, NODE_OPTIONS: '--max-old-space-size=1024' },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    return new Promise((resolve, reject) => {
      let verdict: Verdict | undefined;
      this.#stop = () => {
        try {
          process.kill(-child.pid!, 'SIGKILL');
        } catch {
          // It has ended already.
        }
      };
      const stop = (reason: Verdict) => {
        verdict ??= reason;
        this.#stop();
      };
      const timer = setTimeout(() => stop({ end: 'late' }), limit);
      let line = '';
      let by: string | undefined;
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (line + chunk).split('\n');
        line = lines.pop()!;
        for (const text of lines) {
          const failed = /^\s*not ok \d+ - (.*)$/.exec(text)?.[1];
          if (failed !== undefined && !/ # (?:TODO|SKIP)/.test(failed)) by ??= failed;
          const file = /^\s*location: '(.*?):\d+:\d+'$/.exec(text)?.[1];
          if (by !== undefined && file !== undefined) stop({ end: 'failed', by, file: relative(this.folder, file) });
        }
      });
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        this.#stop();
        this.#stop = () => {};
        by ??= `the end of the run with ${code ?? signal}`;
        resolve(verdict ?? (code === 0 ? { end: 'passed' } : { end: 'failed', by }));
      });
    });
  }

  /** Stops the running tests, and removes the copy. */
  end(): void {
    this.#stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
