import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { sqlite } from '../../broker/index.ts';
import type { StoreFinding } from './finding.ts';

/** Checks that the log's file can be written, and does not belong to another program. */
export async function inspectFile(file: string, isRunning: boolean): Promise<StoreFinding> {
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
    accessSync(dirname(file), constants.W_OK); // SQLite keeps its journal beside the file
  } catch (error) {
    const sentence = `${file} cannot be written (${(error as NodeJS.ErrnoException).code})`;
    return { level: 'problem', sentence, advice: `let the daemon's user write to the file and to ${dirname(file)}` };
  }
  if (!existsSync(file)) return { level: 'ok', sentence: `${file} will be created` };
  if (isRunning) return { level: 'ok', sentence: `${file} is in use by the running daemon` };
  const broker = sqlite(file);
  try {
    await broker.open();
    return { level: 'ok', sentence: `${file} opens` };
  } catch (error) {
    return { level: 'problem', sentence: `${file} does not open`, error };
  } finally {
    await broker.close();
  }
}
