import type { LinkRow } from './view.ts';

/** What is known of one of them; a member that is not known is missing or undefined. */
export interface LinkState {
  readonly name: string;
  readonly place?: string | undefined;
  readonly ok: boolean;
  /** The code of what is wrong. */
  readonly error?: string | undefined;
  /** What is wrong, or was last, in a sentence. */
  readonly message?: string | undefined;
  readonly waiting?: number | undefined;
  readonly lag?: number | undefined;
  readonly aside?: number | undefined;
}

export interface Links {
  readonly sources: readonly LinkState[];
  readonly sinks: readonly LinkState[];
  readonly handlers: readonly LinkState[];
  /** What is wrong with the store. */
  readonly store: string | undefined;
}

/** Rows that are sent; nobody reads more. */
const ROWS = 100;

/** What the daemon works with outside, as rows of a table: what does not work first. */
export function linkRows({ sources, sinks, handlers, store }: Links): LinkRow[] {
  const rows = [
    ...(store === undefined ? [] : [{ kind: 'store', name: '', ok: false, error: store } as const]),
    ...sources.map((state) => rowOf('source', state)),
    ...sinks.map((state) => rowOf('sink', state)),
    ...handlers.map((state) => rowOf('handler', state)),
  ];
  return rows.sort((a, b) => Number(a.ok) - Number(b.ok)).slice(0, ROWS);
}

function rowOf(kind: LinkRow['kind'], { name, place, ok, error, message, waiting, lag, aside }: LinkState): LinkRow {
  const said = [error, message].filter((part) => part !== undefined).join(': ');
  return {
    kind,
    name,
    ok,
    ...(place !== undefined && { place }),
    ...(waiting !== undefined && { waiting }),
    ...(lag !== undefined && { lag }),
    ...(aside !== undefined && { aside }),
    ...(said !== '' && { error: said }),
  };
}
