import { type Command, InvalidArgumentError, Option } from 'commander';
import { ZocaloError } from '../../errors.ts';
import type { SharedOptions } from '../../server/run/index.ts';
import { takeSignals } from '../early-signals.ts';
import { invocation } from '../invocation.ts';
import { pageAddresses } from '../page-addresses.ts';
import { readTlsFiles } from '../tls-files.ts';
import { parseDuration } from './options.ts';
import { runEach } from './run-each.ts';

const EXAMPLES = `
One program has the logic, and Zócalo has the connections: they stay open when the program ends and starts again, and
what clients send meanwhile waits. It is told what happens by lines of JSON, for which PHP has php/websockets.php.
What the program prints goes to the log. Options of zocalo come before the program.

Examples:
  zocalo run php SalaChatServer.php              where the program says, like 0.0.0.0:9000
  zocalo run --watch php SalaChatServer.php      starts it again when it is saved; nobody is disconnected
  zocalo run --listen wss://0.0.0.0:443 --cert cert.pem --key key.pem php SalaChatServer.php
  zocalo run --each ./count.sh                   a process for each connection, as websocketd has it
  zocalo run --origins https://shop.example -- ./program --its-own option
SIGTERM and SIGINT end it gracefully; SIGHUP starts the program again.`;

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const FORMS = ['auto', 'json', 'text'] as const;

interface RunOptions {
  listen?: string;
  watch?: true;
  origins?: string[];
  hosts?: string[];
  proxies?: string[];
  cert?: string;
  key?: string;
  waiting: number;
  whenFull: 'close' | 'answer';
  timeout: number;
  each?: true;
  maxForks?: number;
  passEnv?: string[];
  binary?: true;
  logLevel: (typeof LEVELS)[number];
  logForm: (typeof FORMS)[number];
}

/** The options that only one of the two forms has. */
const OPTIONS_OF = {
  shared: ['watch', 'waiting', 'whenFull', 'timeout'],
  each: ['maxForks', 'passEnv', 'binary'],
} as const;

export function addRun(program: Command): void {
  program
    .command('run')
    .description('serve WebSockets with a program of yours, in any language')
    .argument('<program...>', 'the program and its arguments')
    .passThroughOptions()
    .option(
      '--listen <url>',
      'ws://host:port or wss://host:port; default: where the program says, or ws://127.0.0.1:9000',
    )
    .option('--watch', 'start the program again when one of its files is saved')
    .option(
      '--origins <origin>',
      'pages that may connect, with commas; null: files; *: all; default: same,file://',
      collect,
    )
    .option('--hosts <name>', 'names by which the server may be called, with commas; default: all', collect)
    .option(
      '--proxies <address>',
      'trusted proxies, like 127.0.0.1 or 10.0.0.0/8, with commas: they name the client; default: none',
      collect,
    )
    .option('--cert <file>', 'for wss: the certificate, PEM')
    .option('--key <file>', 'for wss: its private key, PEM')
    .option('--waiting <count>', 'messages that wait for the program at most', parseCount, 10_000)
    .addOption(
      new Option('--when-full <what>', 'more than that: close the sender (1013), or answer UNAVAILABLE')
        .choices(['close', 'answer'])
        .default('close'),
    )
    .addOption(
      new Option('--timeout <duration>', 'how long one message may take; then the program is started again')
        .argParser(parseDuration)
        .default(60_000, '60s'),
    )
    .option(
      '--each',
      'a process for each connection: a message is a line that it reads, a line that it prints a message',
    )
    .option('--max-forks <count>', 'with --each: processes at a time; default 1024', parseCount)
    .option(
      '--pass-env <names>',
      'with --each: variables that the program inherits beside PATH, like LANG,HOME',
      collect,
    )
    .option('--binary', 'with --each: what the program prints is sent as it comes, in binary messages')
    .addOption(new Option('--log-level <level>', 'what is logged').choices(LEVELS).default('info'))
    .addOption(
      new Option('--log-form <form>', 'auto: text on a terminal, JSON elsewhere').choices(FORMS).default('auto'),
    )
    .addHelpText('after', EXAMPLES)
    .action((command: string[], options: RunOptions, self: Command) => {
      refuseOptionsOf(options.each ? 'shared' : 'each', self);
      const version = program.version() ?? '';
      return options.each ? runEach(command, options, serverOptions(options), version) : run(command, options, version);
    });
}

/** Runs until SIGINT or SIGTERM. */
async function run(command: string[], options: RunOptions, version: string): Promise<void> {
  const told = Promise.withResolvers<void>();
  const started = Promise.withResolvers<() => void>();
  takeSignals((signal) => {
    // A terminal that is closed sends SIGHUP, too.
    if (signal !== 'SIGHUP' || process.stdin.isTTY) told.resolve();
    else void started.promise.then((restart) => restart());
  });
  const [{ SharedProgram }, { createLog, writeAtOnce }] = await Promise.all([
    import('../../server/run/index.ts'),
    import('../../server/operations/index.ts'),
  ]);
  const log = createLog({ level: options.logLevel, form: options.logForm });
  const shared = new SharedProgram({ command, version, log, ...sharedOptions(options) });
  const opened = shared.open();
  opened.catch(() => {});
  await Promise.race([opened, told.promise]);
  if (shared.addresses.length > 0) {
    started.resolve(() => shared.restart());
    const pages = pageAddresses(shared.addresses);
    writeAtOnce(1)(`Zócalo is open at ${pages.join(' and ')}\n${next(pages[0]!, options)}`);
    await told.promise;
  }
  await shared.close();
}

/** @throws ZocaloError BAD_OPTION for an option that would do nothing. */
function refuseOptionsOf(form: 'shared' | 'each', command: Command): void {
  const names: readonly string[] = OPTIONS_OF[form];
  const useless = command.options.find(
    (option) =>
      names.includes(option.attributeName()) && command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (useless)
    throw new ZocaloError(
      'BAD_OPTION',
      `${useless.long} is ${form === 'each' ? 'for --each alone' : 'for one program that all connections share'}`,
      { advice: form === 'each' ? 'leave it out, or add --each' : 'leave out one of the two' },
    );
}

function serverOptions({ origins, hosts, cert, key }: RunOptions) {
  return {
    ...(origins && { origins }),
    ...(hosts && { hosts }),
    ...((cert !== undefined || key !== undefined) && { tls: readTlsFiles({ cert, key, ca: undefined }) }),
  };
}

function sharedOptions(options: RunOptions) {
  const { listen, watch, waiting, whenFull, timeout } = options;
  return {
    listen,
    watch: watch === true,
    server: serverOptions(options),
    ...(options.proxies && { proxies: options.proxies }),
    waiting: { events: waiting },
    whenFull,
    timeout,
  } satisfies Partial<SharedOptions>;
}

/** What to do now. */
function next(page: string, { watch }: RunOptions): string {
  const saving = watch
    ? 'Save its file, and it starts again; nobody is disconnected.'
    : 'With --watch it would start again when its file is saved, without disconnecting anybody.';
  return `
A page reaches the program with new WebSocket('${page}'), a terminal with ${invocation()} connect ${page}.
${saving}

`;
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, ...value.split(',').map((part) => part.trim())];
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number, like 10000.');
}
