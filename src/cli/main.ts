import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { COMMANDS } from './commands/index.ts';
import { errorLine, exitCodeOf, exitCodeTable, USAGE_EXIT } from './exit-codes.ts';
import { print } from './terminal.ts';

const program = new Command('zocalo')
  .description('Sockets by URL, WebSockets, and a chat.')
  .version(packageJson.version)
  .exitOverride()
  .enablePositionalOptions() // run: arguments after the program belong to it
  .configureOutput({ outputError: () => {} }); // said once, below
for (const add of COMMANDS) add(program);
program.addHelpText(
  'after',
  `
Examples:
  zocalo serve                                 a chat at http://localhost:9000
  zocalo run php SalaChatServer.php            your program's logic, Zócalo's connections
  zocalo init                                  a configuration file with comments and fresh secrets
  zocalo listen tcp://127.0.0.1:1337 --echo
  zocalo connect tcp://127.0.0.1:1337
${exitCodeTable()}`,
);

// The reader of our output may stop at any time: zocalo connect … | head. A daemon continues without its reader.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (process.argv[2] !== 'serve' && process.argv[2] !== 'run') process.exit(error.code === 'EPIPE' ? 0 : 1);
});
// If an error cannot be printed, the exit code tells.
process.stderr.on('error', () => {});

async function main(): Promise<number> {
  try {
    await program.parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(error);
    process.stderr.write(`${errorLine(error)}\n`);
    return exitCodeOf(error);
  }
}

function reportUsage(error: CommanderError): number {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
  if (error.code === 'commander.help') return USAGE_EXIT; // no command: the help was shown
  const sentence = error.message
    .replace(/^error: /, '')
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '');
  process.stderr.write(`BAD_OPTION: ${sentence}; see zocalo --help\n`);
  return USAGE_EXIT;
}

const exitCode = await main();
await print(''); // everything before it is written
process.exit(exitCode);
