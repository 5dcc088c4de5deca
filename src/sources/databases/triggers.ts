import { ZocaloError } from '../../errors.ts';
import { channelFault, isChannel } from '../../protocol/index.ts';
import type { TableName } from './identifiers.ts';

export interface Column {
  readonly name: string;
  /** As the database names it, in lower case. */
  readonly type: string;
}

/** A table whose changes go to an outbox. */
export interface Attachment {
  readonly table: TableName;
  readonly columns: readonly Column[];
  /** Text and, between the texts, columns: see `channelParts`. */
  readonly channel: readonly (string | Column)[];
  /** With its schema, where the table has one. */
  readonly outbox: TableName;
}

/** Where an outbox and its user are. */
export interface Home {
  /** The schema of the session. */
  readonly schema: string;
  /** From where the user may come, in MySQL. */
  readonly host: string;
}

/** The texts that attach a table, and take that away again. */
export interface TriggerTexts {
  /** () → name: the schema of the session. Undefined where there are no schemas. */
  readonly home: string | undefined;
  /** (table, schema or NULL) → name, type: its columns in their order; none when there is no such table. */
  readonly columns: string;
  /** Replaces the triggers of an earlier attachment. */
  attach(attachment: Attachment): readonly string[];
  detach(table: TableName): readonly string[];
  /** () → name, schema (NULL for the session's), body: the tables that are attached to any outbox. */
  readonly attached: string;
  /** How the body of a trigger for this outbox inserts. */
  target(outbox: TableName): string;
  /** A user who may do what a source does, and nothing else. Empty where there are no users. */
  grant(user: string, password: string, outbox: TableName, home: Home): readonly string[];
  /** Removes the outbox with what belongs to it, and its user. */
  drop(outbox: TableName, user: string, home: Home): readonly string[];
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
      `the channel ${JSON.stringify(template)} is not a name: ${channelFault(example)}`,
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
