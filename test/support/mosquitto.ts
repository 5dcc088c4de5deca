import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Program } from './cli.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A broker that a test started, and can stop and start again at the same port, with what it keeps. */
export interface Mosquitto {
  readonly port: number;
  /** `mqtt://127.0.0.1:port`. */
  readonly url: string;
  start(): Promise<void>;
  /** SIGTERM by default: then it writes what it keeps to its file. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** A Mosquitto of the test's own, until the test is over. `lines`: more of its configuration. */
export async function startMosquitto(
  t: Pick<TestContext, 'after'>,
  lines: (folder: string) => readonly string[] = () => ['allow_anonymous true'],
): Promise<Mosquitto> {
  let program: Program | undefined;
  t.after(() => program?.stop('SIGKILL'));
  const folder = temporaryFolder(t);
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  const all = [
    ...(process.getuid?.() === 0 ? ['user root'] : []), // otherwise it leaves root, and cannot write to the folder
    `listener ${port} 127.0.0.1`,
    'persistence true',
    `persistence_location ${folder}/`,
    ...lines(folder),
  ];
  writeFileSync(file, `${all.join('\n')}\n`);
  const broker: Mosquitto = {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    async start() {
      program = new Program('mosquitto', ['-c', file, '-v']);
      await program.says(/mosquitto version \S+ running/, 'stderr');
    },
    async stop(signal = 'SIGTERM') {
      await program?.stop(signal);
      program = undefined;
    },
  };
  await broker.start();
  return broker;
}
