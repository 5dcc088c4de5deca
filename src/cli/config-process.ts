import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { type ErrorCode, ZocaloError } from '../errors.ts';
import type { LoadedConfig, LoadOptions } from '../server/config/index.ts';
import { toZocaloError } from '../stream/index.ts';

/** What the daemon needs to know; where each value was written stays behind. */
export interface PlainConfig extends Pick<LoadedConfig, 'config' | 'file' | 'warnings'> {
  /** Nobody has said where to listen: any port will do. */
  readonly choosesPort: boolean;
  /** How many files a process may have open here; undefined where the machine has no such limit. */
  readonly openFiles: number | undefined;
}

/** What the process is asked. Its program may be a newer one than ours, of which it would not know. */
export interface Question {
  readonly options: LoadOptions;
  readonly version: string;
}

/** What the process answers: the configuration, an error of ours, or the message of any other. */
export type Answer =
  | { loaded: PlainConfig }
  | { code: ErrorCode; happened: string; advice: string }
  | { code?: undefined; message: string };

/**
 * Reads the configuration in a process of its own, which is gone afterwards, and with it the parsers and the schema:
 * memory that an idle daemon would hold for what it needs once.
 * @param version of the package that runs; the installed one may be another by now.
 * @throws ZocaloError as `loadConfig` does; TOO_MANY_OPEN_FILES when there is no room for another process.
 */
export async function loadConfigApart(options: LoadOptions, version: string): Promise<PlainConfig> {
  const answer = await ask({ options, version });
  if ('loaded' in answer) return answer.loaded;
  if (answer.code === undefined) throw new Error(answer.message);
  throw new ZocaloError(answer.code, answer.happened, { advice: answer.advice });
}

async function ask(question: Question): Promise<Answer> {
  const refused = (cause: unknown) => toZocaloError(cause, 'the process that reads the configuration');
  let child: ChildProcess;
  try {
    child = fork(new URL(`./config-reader${extname(import.meta.url)}`, import.meta.url), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced', // JSON has no infinity
      detached: process.platform !== 'win32', // Ctrl+C in a terminal is for the daemon, which is not cut off while it starts
    });
  } catch (cause) {
    throw refused(cause);
  }
  return new Promise<Answer>((resolve, reject) => {
    child.on('error', (cause) => reject(refused(cause))).once('message', resolve);
    child.once('exit', (code, signal) => {
      const happened = `the process that reads the configuration ended with ${signal ?? code}`;
      reject(
        new ZocaloError('BAD_CONFIG', happened, {
          advice: 'a configuration in TypeScript must not end the process; a signal came from outside',
        }),
      );
    });
    // A process that could not be made, for want of files, has no channel.
    child.send?.(question, (cause) => cause && reject(refused(cause)));
  });
}
