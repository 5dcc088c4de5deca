/** A name in SQL, between the marks that Postgres and SQLite take; MySQL's is a backtick. */
export function identifier(name: string, mark = '"'): string {
  return mark + name.replaceAll(mark, mark + mark) + mark;
}

/** The same for a table that may have its schema in front: `shop.orders`. */
export function qualified(name: string, mark = '"'): string {
  return name
    .split('.')
    .map((part) => identifier(part, mark))
    .join('.');
}

/** A table. Without a schema, which in MySQL is a database, it is in the session's. */
export interface TableName {
  readonly schema?: string | undefined;
  readonly name: string;
}

/** Reads `orders` or `shop.orders`. */
export function tableName(text: string): TableName {
  const [, schema, name] = /^([^.]+)\.(.+)$/s.exec(text) ?? [];
  return name === undefined ? { name: text } : { schema, name };
}

/** In SQL. */
export function tableIdentifier({ schema, name }: TableName, mark = '"'): string {
  return (schema === undefined ? '' : `${identifier(schema, mark)}.`) + identifier(name, mark);
}

/** As it is written in a command. */
export function tableText({ schema, name }: TableName): string {
  return schema === undefined ? name : `${schema}.${name}`;
}
