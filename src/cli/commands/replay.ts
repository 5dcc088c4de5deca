import type { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { connect } from '../../stream/index.ts';
import { IdleTimer, note, print } from '../terminal.ts';
import { readTlsFiles } from '../tls-files.ts';
import { waitOption } from './options.ts';

const EXAMPLES = `
Each connection of the recording is made again, and its bytes are sent with the pauses that they had. What the other side
answers is printed. A recording has one JSON object a line, and may be written by hand:
  {"at":0,"connection":1,"hex":"a5000013927f0000d8f1"}

Examples:
  zocalo listen tcp://0.0.0.0:5010 --record door.jsonl
  zocalo replay door.jsonl tcp://127.0.0.1:5010
  zocalo replay door.jsonl tcp://127.0.0.1:5010 --fast`;

interface Options {
  fast?: boolean;
  ca?: string;
  insecure?: boolean;
  wait: number;
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('send what zocalo listen --record has recorded')
    .argument('<file>', 'the recording')
    .argument('<url>', 'tcp://, tls://, udp:// with host:port, unix:///path')
    .option('--fast', 'without the pauses')
    .option('--ca <file>', 'for tls: the authority that signed the certificate, PEM')
    .option('--insecure', 'for tls: accept any certificate')
    .addOption(waitOption('after everything was sent: how long the other side may be silent before we end'))
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(file: string, url: string, { fast = false, ca, insecure = false, wait }: Options): Promise<void> {
  const { play, readRecording } = await import('../devices/index.ts');
  const events = readRecording(file);
  const idle = new IdleTimer();
  await play(events, {
    connect: () => connect(url, { ...readTlsFiles({ ca }), rejectUnauthorized: !insecure }),
    clock: systemClock,
    isFast: fast,
    onAnswer: (bytes) => {
      idle.touch();
      return print(bytes);
    },
    quiet: () => {
      idle.touch();
      return idle.lasts(wait);
    },
  });
  note(`${events.length} events of ${file} were sent`);
}
