/**
 * The server that is killed: the daemon, as its configuration says, with a fast clock. Arguments: the configuration's
 * file; the clock's speed; how many files the daemon believes that it may have open, 0 when it does not know. SIGHUP is a
 * reload. Ends when its standard input does. What it has to say are lines on standard output.
 */
import { ZocaloError } from '../../src/errors.ts';
import { loadConfig } from '../../src/server/config/index.ts';
import { Daemon } from '../../src/server/daemon.ts';
import { writeAtOnce } from '../../src/server/operations/index.ts';
import { preload } from '../../src/server/preload.ts';
import { fastClock } from './fast-clock.ts';

const [file, speed, openFiles] = process.argv.slice(2) as [string, string, string];

const write = writeAtOnce(1);
const say = (line: string) => write(`${line.replaceAll('\n', ' ')}\n`);
const mute = () => {};
const warn = (fields: object, sentence: string) => {
  if (sentence.startsWith('a connection was cut off: no more files'))
    say(`full ${1 + ((fields as { leftOut?: number }).leftOut ?? 0)}`);
};
const error = (fields: object, sentence: string) => {
  const { err } = fields as { err?: Error };
  say(`error ${sentence}${err ? `: ${err.stack ?? err}` : ''}`);
};

process.stdin.on('end', () => process.exit()).resume();
let reload = Promise.resolve();
process.on('SIGHUP', () => {
  reload = reload.then(async () => {
    try {
      await daemon.reload((await loadConfig({ file, env: {} })).config);
      say('reloaded');
    } catch (err) {
      // Where all files are open, no configuration can be read. A daemon that knows how many it has keeps some.
      const isFull = (err as Error).message.includes('EMFILE');
      if (openFiles !== '0' || !isFull) error({ err }, 'the configuration was not taken');
      say('refused');
    }
  });
});

await preload();
const { config } = await loadConfig({ file, env: {} });
const daemon = new Daemon(config, {
  log: { debug: mute, info: mute, warn, error },
  version: '0.0.0',
  clock: fastClock(Number(speed)),
  ...(openFiles !== '0' && { openFiles: Number(openFiles) }),
});
daemon.hub.observe({ onSlow: () => say('slow') });
try {
  await daemon.start();
  say('listening');
} catch (problem) {
  // While we were dead, another program of this machine may have been given the port.
  if (!(problem instanceof ZocaloError && problem.code === 'ADDRESS_IN_USE')) throw problem;
  say('taken');
  process.exit();
}
