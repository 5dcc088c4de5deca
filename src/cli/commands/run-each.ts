import type { Config } from '../../server/config/index.ts';
import type { EachOptions } from '../../server/run/index.ts';
import type { ServerOptions } from '../../websocket/index.ts';
import { takeSignals } from '../early-signals.ts';
import { pageAddresses } from '../page-addresses.ts';

interface RunEachOptions extends Pick<EachOptions, 'listen' | 'proxies' | 'maxForks' | 'passEnv' | 'binary'> {
  readonly logLevel: Config['log']['level'];
  readonly logForm: Config['log']['form'];
}

/** `zocalo run --each`. Runs until SIGINT or SIGTERM. */
export async function runEach(
  command: string[],
  options: RunEachOptions,
  server: ServerOptions,
  version: string,
): Promise<void> {
  const told = Promise.withResolvers<void>();
  takeSignals((signal) => {
    if (signal !== 'SIGHUP' || process.stdin.isTTY) told.resolve();
  });
  const [{ ProgramPerConnection }, { createLog, writeAtOnce }] = await Promise.all([
    import('../../server/run/index.ts'),
    import('../../server/operations/index.ts'),
  ]);
  const { listen, proxies, maxForks, passEnv, binary } = options;
  const programs = new ProgramPerConnection({
    command,
    version,
    listen,
    server,
    log: createLog({ level: options.logLevel, form: options.logForm }),
    ...(proxies && { proxies }),
    ...(maxForks !== undefined && { maxForks }),
    ...(passEnv && { passEnv: ['PATH', ...passEnv] }),
    ...(binary && { binary }),
  });
  await programs.open();
  const pages = pageAddresses(programs.addresses);
  writeAtOnce(1)(`Zócalo is open at ${pages.join(' and ')}
Each connection starts ${command.join(' ')}: a message is a line that it reads, and a line that it prints is a message.
`);
  await told.promise;
  await programs.close();
}
