import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { makeCertificate } from './certificate.ts';
import { Program } from './cli.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Haproxy {
  /** Where it is to listen: on 127.0.0.1. */
  readonly port: number;
  /** Has `cert.pem`, and `both.pem` with the key as well. */
  readonly folder: string;
}

/** A real HAProxy with this configuration, until the test is over. */
export async function startHaproxy(t: TestContext, lines: (haproxy: Haproxy) => string): Promise<Haproxy> {
  const folder = temporaryFolder(t);
  const { cert, key } = makeCertificate();
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'both.pem'), cert + key);
  const haproxy = { port: await freePort(), folder };
  writeFileSync(join(folder, 'haproxy.cfg'), `${lines(haproxy)}\n`);
  const program = new Program('haproxy', ['-W', '-db', '-f', join(folder, 'haproxy.cfg')]);
  t.after(() => program.stop('SIGTERM'));
  await program.says(/Loading success/, 'stderr');
  return haproxy;
}
