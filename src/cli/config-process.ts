import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { type ErrorCode, ZocaloError } from '../errors.ts';
import type { LoadedConfig, LoadOptions } from '../server/config/index.ts';
import { toZocaloError } from '../stream/index.ts';

/** The configuration as the daemon needs it, without the source of each value. */
export interface PlainConfig extends Pick<LoadedConfig, 'config' | 'file' | 'warnings'> {
  /** Whether no address was configured, so that any port will do. */
  readonly choosesPort: boolean;
  /** How many files a process may have open here; undefined if the machine has no such limit. */
  readonly openFiles: number | undefined;
}

/** The request to the process. Its program may be newer than ours. */
export interface Question {
  readonly options: LoadOptions;
  readonly version: string;
}

/** The answer of the process: the configuration, a ZocaloError, or the message of any other error. */
export type Answer =
  | { loaded: PlainConfig }
  | { code: ErrorCode; happened: string; advice: string }
  | { code?: undefined; message: string };

/**
 * Reads the configuration in a separate process, which then ends and frees the memory of the parsers and the schema,
 * which an idle daemon would keep for a single use.
 * @param version of the running package; the installed one may be another by now.
 * @throws ZocaloError as `loadConfig` does; TOO_MANY_OPEN_FILES when no process can be started.
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
      serialization: 'advanced', // JSON has no Infinity
      detached: process.platform !== 'win32', // Ctrl+C in a terminal must not interrupt the start of the daemon
    });
  } catch (cause) {
    throw refused(cause);
  }
  return new Promise<Answer>((resolve, reject) => {
    child.on('error', (cause) => reject(refused(cause)));
    child.once('message', (answer: Answer) => {
      resolve(answer);
      if (child.connected) child.disconnect();
    });
    child.once('exit', (code, signal) => {
      const happened = `the process that reads the configuration ended with ${signal ?? code}`;
      reject(
        new ZocaloError('BAD_CONFIG', happened, {
          advice: 'a configuration in TypeScript must not end the process; a signal came from outside',
        }),
      );
    });
    // A process that could not be started, for example when no file descriptor is left, has no channel.
    child.send?.(question, (cause) => cause && reject(refused(cause)));
  });
}
