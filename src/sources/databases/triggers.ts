import { ZocaloError } from '../../errors.ts';
import { channelFault, isChannel } from '../../protocol/index.ts';

export interface Column {
  readonly name: string;
  /** As the database names it, in lower case. */
  readonly type: string;
}

/** A table whose changes go to an outbox. */
export interface Attachment {
  readonly table: string;
  readonly columns: readonly Column[];
  /** Text and, between the texts, columns: see `channelParts`. */
  readonly channel: readonly (string | Column)[];
  readonly outbox: string;
}

/** The texts that attach a table, and take that away again. */
export interface TriggerTexts {
  /** (table) → name, type: its columns in their order; none when there is no such table. */
  readonly columns: string;
  /** Replaces the triggers of an earlier attachment. */
  attach(attachment: Attachment): readonly string[];
  detach(table: string): readonly string[];
  /** () → name: the tables that are attached. */
  readonly attached: string;
  /** A user who may do what a source does, and nothing else. `host`: from where, in MySQL. Empty where there are no users. */
  grant(user: string, password: string, outbox: string, host: string): readonly string[];
  /** Removes the outbox with what belongs to it, and its user. */
  drop(outbox: string, user: string, host: string): readonly string[];
}

/** Characters of a channel's column: one more than a name may have, so that a longer one is refused and not another one. */
export const CHANNEL_WIDTH = 256;
/** How every trigger and function begins that this makes. */
export const PREFIX = 'zocalo_';

/**
 * Reads a template such as `orders:{customer_id}`. @throws ZocaloError BAD_OPTION if it makes no channel name, or names
 * no column of the table.
 */
export function channelParts(template: string, table: string, columns: readonly Column[]): Attachment['channel'] {
  const example = template.replaceAll(/\{[^{}]*\}/g, 'x');
  if (!isChannel(example))
    throw new ZocaloError(
      'BAD_OPTION',
      `the channel ${JSON.stringify(template)} is no name: ${channelFault(example)}`,
      {
        advice: "write it like 'orders:{customer_id}', with columns of the table in braces",
      },
    );
  return template
    .split(/(\{[^{}]*\})/)
    .filter((part) => part !== '')
    .map((part) => {
      const name = /^\{(.*)\}$/.exec(part)?.[1];
      if (name === undefined) return part;
      const column = columns.find((column) => column.name === name);
      if (column) return column;
      const known = columns.map(({ name }) => name).join(', ');
      throw new ZocaloError('BAD_OPTION', `the table ${table} has no column ${JSON.stringify(name)}`, {
        advice: `its columns are ${known}`,
      });
    });
}

/** A text of SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
