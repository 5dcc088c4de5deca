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
