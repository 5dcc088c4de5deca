import { ZocaloError } from '../../errors.ts';
import { JsonText } from '../../protocol/index.ts';
import { dataTemplate, type JsonValue, type Template } from '../decoding/index.ts';
import { fieldsOf, type Published } from './published.ts';

/** What is written to a column; a `JsonText` is an object or a list exactly as it was published. */
export type Cell = JsonValue | JsonText;
/** A value for each column. @see `rowTemplate` */
export type RowTemplate = (published: Published) => readonly Cell[] | ZocaloError;

/**
 * Makes rows from templates such as `{ badge: '{badge}', at: '{time}', note: '{note?}', door: 'main' }`: a field of the
 * data, or `channel`, `offset`, `time`, `key`, `user` of the publication, or `data` as a whole and what is in it,
 * `{data.time}`. A template that is one field gets its value with its type; with a question mark it is NULL when there
 * is no such field, and without one that is an error.
 * @throws ZocaloError BAD_OPTION for a template that cannot be filled.
 */
export function rowTemplate(columns: Readonly<Record<string, JsonValue>>): RowTemplate {
  const templates = Object.entries(columns).map(([column, template]) => ({ column, value: columnTemplate(template) }));
  return (published) => {
    const fields = fieldsOf(published);
    const row: Cell[] = [];
    for (const { column, value } of templates) {
      const filled = value(fields);
      if (filled instanceof ZocaloError)
        return new ZocaloError('SINK_ROW_REFUSED', `the column ${column} cannot be filled: ${filled.happened}`);
      const isData = filled === fields.data && typeof filled === 'object' && filled !== null;
      row.push(isData ? JsonText.written(published.data) : filled);
    }
    return row;
  };
}

function columnTemplate(template: JsonValue): Template<JsonValue> {
  const [, optional] = typeof template === 'string' ? (/^\{([\w.-]+)\?\}$/.exec(template) ?? []) : [];
  if (optional === undefined) return dataTemplate(template);
  const value = dataTemplate(`{${optional}}`);
  return (fields) => {
    const filled = value(fields);
    return filled instanceof ZocaloError ? null : filled;
  };
}
