import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { type ErrorCode, ZocaloError } from '../errors.ts';
import type { LoadedConfig, LoadOptions } from '../server/config/index.ts';

/** What the daemon needs to know; where each value was written stays behind. */
export interface PlainConfig extends Pick<LoadedConfig, 'config' | 'file' | 'warnings'> {
  /** Nobody has said where to listen: any port will do. */
  readonly choosesPort: boolean;
}

/** What the process answers. An error's `code` is missing where it was none of ours. */
export type Answer = { loaded: PlainConfig } | { code?: ErrorCode | undefined; message: string };

/**
 * Reads the configuration in a process of its own, which is gone afterwards, and with it the parsers and the schema:
 * memory that an idle daemon would hold for what it needs once.
 * @throws ZocaloError as `loadConfig` does.
 */
export async function loadConfigApart(options: LoadOptions): Promise<PlainConfig> {
  const child = fork(new URL(`./config-reader${extname(import.meta.url)}`, import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced', // JSON has no infinity
    detached: process.platform !== 'win32', // Ctrl+C in a terminal is for the daemon, which is not cut off while it starts
  });
  const answer = await new Promise<Answer>((resolve, reject) => {
    child.once('message', resolve).once('error', reject);
    child.once('exit', (code, signal) => {
      resolve({ code: 'BAD_CONFIG', message: `reading the configuration ended with ${signal ?? code}` });
    });
    child.send(options);
  });
  if ('loaded' in answer) return answer.loaded;
  const { code, message } = answer;
  // The message is whole already, with its advice.
  throw code ? Object.assign(new ZocaloError(code, ''), { message }) : new Error(message);
}
