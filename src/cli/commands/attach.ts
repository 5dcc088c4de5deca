import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import { DATABASE_FORMS, dialectOf, type Plan, planAttach, planDetach } from '../../sources/index.ts';
import { note, print } from '../terminal.ts';

const ATTACH_EXAMPLES = `
Makes an outbox, triggers on the table that write each change to it as {op, table, row, old}, and a user with the least
rights for the source. Without --yes it only prints the SQL. See docs/databases.md for what the triggers cost, and what to
do before a column of the table is removed.

Databases: ${DATABASE_FORMS}

Examples:
  zocalo attach mysql://root@127.0.0.1/shop --table orders --channel 'orders:{customer_id}'
  zocalo attach postgres://postgres@127.0.0.1/shop --table orders --channel orders --yes
  zocalo attach postgres://postgres@127.0.0.1/shop --table sales.orders --channel orders --yes
  zocalo attach sqlite:shop.db --table orders --channel 'orders:{customer_id}' --yes`;

const DETACH_EXAMPLES = `
Takes away what zocalo attach made: with --table the triggers of that table, without it also the outbox, with the rows
that wait in it, and its user. Without --yes it only prints the SQL.

Examples:
  zocalo detach mysql://root@127.0.0.1/shop --table orders --yes
  zocalo detach mysql://root@127.0.0.1/shop`;

interface Options {
  table: string;
  channel: string;
  outbox: string;
  yes?: boolean;
}

export function addAttach(program: Command): void {
  program
    .command('attach <database>')
    .description('let the changes of a table reach channels')
    .requiredOption('--table <table>', 'the table, or schema.table')
    .requiredOption('--channel <name>', 'the channel, with columns in braces')
    .option('--outbox <table>', 'the outbox', 'zocalo_outbox')
    .option('--yes', 'run the SQL')
    .addHelpText('after', ATTACH_EXAMPLES)
    .action(async (address: string, { table, channel, outbox, yes }: Options) => {
      const password = randomBytes(18).toString('base64url');
      const plan = await planAttach({ address: checked(address), table, channel, outbox, password });
      await carryOut(plan, yes);
      const other = outbox === 'zocalo_outbox' ? '' : `\n    table: ${JSON.stringify(outbox)}`;
      // An outbox that was there already has its source.
      const sources =
        plan.address === undefined
          ? ''
          : `sources:\n  shop: # a name of yours\n    database: ${JSON.stringify(plan.address)}${other}\n`;
      const pattern = channel.replaceAll(/(\{[^{}]*\})+/g, '*');
      const channels = `channels:\n  ${JSON.stringify(pattern)}: { subscribe: granted } # who may listen: see docs/options.md\n`;
      await print(`-- add this to the configuration:\n${sources}${channels}`);
    });
}

export function addDetach(program: Command): void {
  program
    .command('detach <database>')
    .description('take away what zocalo attach made')
    .option('--table <table>', 'only the triggers of this table')
    .option('--outbox <table>', 'the outbox', 'zocalo_outbox')
    .option('--yes', 'run the SQL')
    .addHelpText('after', DETACH_EXAMPLES)
    .action(async (address: string, { table, outbox, yes }: Partial<Options> & Pick<Options, 'outbox'>) => {
      await carryOut(await planDetach(checked(address), outbox, table), yes);
    });
}

async function carryOut(plan: Plan, isMeant = false): Promise<void> {
  try {
    await print(plan.statements.map((statement) => `${statement};\n`).join(''));
    if (isMeant) await plan.run();
    note(isMeant ? 'done' : 'nothing was changed: --yes runs this');
  } finally {
    plan.close();
  }
}

function checked(address: string): string {
  if (dialectOf(address)) return address;
  throw new ZocaloError('BAD_OPTION', `${address} is not a database`, { advice: `write ${DATABASE_FORMS}` });
}
