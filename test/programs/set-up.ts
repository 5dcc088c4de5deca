import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { Program, type ProgramEnd, type ProgramLog, type ProgramOptions } from '../../src/programs/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A log that keeps what it is told: level, fields, sentence. */
export class KeptLog implements ProgramLog {
  readonly entries: { level: 'info' | 'warn' | 'error'; fields: Record<string, unknown>; sentence: string }[] = [];
  info = (fields: object, sentence: string) => this.#add('info', fields, sentence);
  warn = (fields: object, sentence: string) => this.#add('warn', fields, sentence);
  error = (fields: object, sentence: string) => this.#add('error', fields, sentence);

  #add(level: 'info' | 'warn' | 'error', fields: object, sentence: string): void {
    this.entries.push({ level, fields: { ...fields }, sentence });
  }

  /** The codes of the errors that were logged, in their order. */
  get codes(): string[] {
    return this.entries.flatMap(({ fields: { err } }) => (err as { code?: string } | undefined)?.code ?? []);
  }
}

/** A program with what it wrote and how it ended; killed when the test is over. */
export function newProgram(t: TestContext, command: readonly string[], options: Partial<ProgramOptions> = {}) {
  const log = new KeptLog();
  const lines: string[] = [];
  const ends: ProgramEnd[] = [];
  const program = new Program({
    command,
    name: 'example',
    log,
    clock: systemClock,
    onLine: (line) => lines.push(line),
    onEnd: (end) => ends.push(end),
    ...options,
  });
  t.after(() => program.kill());
  return { program, log, lines, ends };
}

/** An executable file with this text; its path. */
export function script(t: TestContext, text: string, mode = 0o755): string {
  const file = join(temporaryFolder(t), 'program');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** Whether a process, or with a negative number its group, is there and not just waiting to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
