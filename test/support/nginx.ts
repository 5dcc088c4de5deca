import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { makeCertificate } from './certificate.ts';
import { Program } from './cli.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Where nginx comes from with `proxy_bind`, which is not where its clients come from. */
export const PROXY = '127.0.0.9';

export interface Nginx {
  /** Where it is to listen: on 127.0.0.1. */
  readonly port: number;
  /** Has `cert.pem` and `key.pem`. */
  readonly folder: string;
  /** PEM, for whoever shall trust it. */
  readonly cert: string;
}

/** A real nginx with these lines in its `http`, until the test is over. */
export async function startNginx(t: TestContext, http: (nginx: Nginx) => string): Promise<Nginx> {
  const folder = temporaryFolder(t);
  const { cert, key } = makeCertificate();
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  const nginx = { port: await freePort(), folder, cert };
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log stderr notice;
     events { worker_connections 256; }
     http { access_log off; ${paths.join(' ')}
     ${http(nginx)}
     }`,
  );
  const program = new Program('nginx', ['-e', 'stderr', '-c', join(folder, 'nginx.conf')]);
  t.after(() => program.stop('SIGQUIT'));
  await program.says(/start worker process \d/, 'stderr');
  return nginx;
}
