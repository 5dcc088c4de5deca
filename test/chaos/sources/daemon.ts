/**
 * The daemon that is killed, as its configuration says. Arguments: the configuration's file; how many read the outbox.
 * More than one stand for daemons that share one log: each reads the outbox by itself. What it has to say are lines on
 * standard output. It ends when its standard input does.
 */
import { systemClock } from '../../../src/clock.ts';
import { ZocaloError } from '../../../src/errors.ts';
import { loadConfig } from '../../../src/server/config/index.ts';
import { Daemon } from '../../../src/server/daemon.ts';
import { writeAtOnce } from '../../../src/server/operations/index.ts';
import { OutboxConsumer, openOutbox } from '../../../src/sources/index.ts';

const [file, readers] = process.argv.slice(2) as [string, string];
const write = writeAtOnce(1);
const say = (line: string) => write(`${line.replaceAll('\n', ' ')}\n`);
const mute = () => {};
const failed = (err: unknown) => {
  // The database is killed all the time.
  if (err instanceof ZocaloError && err.code === 'DATABASE_UNREACHABLE') return;
  say(`error ${(err as Error)?.stack ?? String(err)}`);
};

process.stdin.on('end', () => process.exit()).resume();
const { config } = await loadConfig({ file, env: {} });
const daemon = new Daemon(config, {
  log: { debug: mute, info: mute, warn: mute, error: ({ err }: { err?: unknown }) => failed(err) },
  version: '0.0.0',
});
await daemon.start();
for (const [name, source] of Object.entries(config.sources))
  if ('database' in source)
    for (let more = 1; more < Number(readers); more++)
      new OutboxConsumer({
        name,
        open: (onWake) => openOutbox(source.database, source.table, onWake),
        log: daemon.hub,
        clock: systemClock,
        random: Math.random,
        onFailed: failed,
        onBusy: mute,
        onRecovered: mute,
        onAside: failed,
      }).start();
say('listening');
