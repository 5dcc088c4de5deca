import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Program, zocaloIn } from './cli.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

/**
 * A folder with a configuration, and `zocalo serve` in it as often as it is asked for, on one port and with one file of
 * logs, which survive each.
 */
export async function serveIn(t: TestContext, config: object) {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const whole = { listen: url, store: 'sqlite:square.db', ...config };
  writeFileSync(join(folder, 'zocalo.config.json'), JSON.stringify(whole));
  const start = async (): Promise<Program> => {
    const program = zocaloIn(folder, ['serve']);
    t.after(() => program.stop('SIGKILL'));
    await program.says(/open at/);
    return program;
  };
  return { start, port, url, file: join(folder, 'square.db') };
}
