import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import type { Users } from '../../server/auth/index.ts';
import { askPassword } from '../password-prompt.ts';
import { print } from '../terminal.ts';
import { loadFrom } from './config-options.ts';
import { collectRights, rightsFrom } from './token.ts';

const EXAMPLES = `
The table is the file of auth.login.users in the configuration here, or --file; a daemon may be using it. Passwords are
typed, or read as one line of standard input; never given as an argument, which every program on the machine could read.

Examples:
  zocalo users add natalia --can 'sub:chat:*' --can 'pub:chat:*'
  zocalo users add natalia < password.txt
  zocalo users password natalia
  zocalo users list
  zocalo users remove natalia`;

interface Options {
  file?: string;
  config?: string;
  can?: string[];
}

export function addUsers(program: Command): void {
  const users = program.command('users').description('who may log in with a password').addHelpText('after', EXAMPLES);
  const command = (usage: string, description: string) =>
    users
      .command(usage)
      .description(description)
      .option('--file <file>', 'the SQLite file of the table')
      .option('-c, --config <file>', 'the configuration that names it');
  command('add <name>', 'add a user, and ask for the password')
    .option('--can <right>', 'sub:, pub: or presence: with a channel or pattern; may be repeated', collectRights)
    .action(async (name: string, options: Options) => {
      const { parseGrants } = await import('../../server/auth/index.ts');
      const rights = rightsFrom(options.can, parseGrants);
      await withUsers(options, async (table) => table.add(name, await askPassword(), rights));
    });
  command('password <name>', 'change a password; the tokens that the user has are refused from now on').action(
    (name: string, options: Options) =>
      withUsers(options, async (table) => found(name, await table.setPassword(name, await askPassword()))),
  );
  command('remove <name>', 'remove a user, whose tokens are refused from now on').action(
    (name: string, options: Options) => withUsers(options, (table) => found(name, table.remove(name))),
  );
  command('list', 'print the users, with their rights').action((options: Options) =>
    withUsers(options, async (table) => {
      const { formatGrants } = await import('../../server/auth/index.ts');
      const rows = table.list().map(({ user, rights, disabled }) => {
        return [user, ...(disabled ? ['(disabled)'] : []), ...(rights ? formatGrants(rights) : [])].join(' ');
      });
      await print(rows.map((row) => `${row}\n`).join(''));
    }),
  );
}

async function withUsers({ file, config: name }: Options, work: (table: Users) => unknown): Promise<void> {
  const { Users } = await import('../../server/auth/index.ts');
  const table = new Users(file ?? (await fileOf(name)));
  await table.open();
  try {
    await work(table);
  } finally {
    table.close();
  }
}

async function fileOf(name: string | undefined): Promise<string> {
  const { config } = await loadFrom({ ...(name !== undefined && { config: name }) });
  const users = config.auth.login?.users;
  if (typeof users === 'string') return users;
  if (users) {
    throw new ZocaloError('BAD_OPTION', `the users are in the table ${users.table} of your application`, {
      advice: 'change them there, or name the file of another table with --file',
    });
  }
  throw new ZocaloError('BAD_OPTION', 'the configuration has no auth.login, and so no users', {
    advice: 'add it, or name the file of the table with --file',
  });
}

function found(name: string, there: boolean): void {
  if (!there) throw new ZocaloError('BAD_OPTION', `there is no user ${name}`, { advice: 'see zocalo users list' });
}
