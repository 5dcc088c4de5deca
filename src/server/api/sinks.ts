import { JsonText, ProtocolError } from '../../protocol/index.ts';
import type { ApiCaller } from '../auth/index.ts';
import { type Route, route } from './route.ts';
import * as schemas from './sink-schemas.ts';

/** A publication that a sink could not write. */
interface AsideRow {
  /** Its place in the sink's queue, by which it is named. */
  readonly place: number;
  readonly channel: string;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** JSON text. */
  readonly data: string;
  readonly meta: string | null;
  readonly reason: string;
}

type MayUse = (channel: string) => boolean;

/** The rows that a sink has set aside, in channels that a caller may use. Without `places`: all of them. */
interface Aside {
  page(
    mayUse: MayUse,
    options: { readonly after?: number | undefined; readonly limit: number },
  ): Promise<{ readonly rows: readonly AsideRow[]; readonly next: number | undefined }>;
  retry(mayUse: MayUse, places?: readonly number[]): Promise<number>;
  drop(mayUse: MayUse, places?: readonly number[]): Promise<number>;
}

/** The daemon's sinks. */
export interface SinkList {
  /** By name. */
  health(): Readonly<Record<string, object>>;
  /** Undefined when there is no such sink. */
  aside(name: string): Aside | undefined;
}

/** Rows of a page, where the caller does not say. */
const ROWS = 100;

/** The routes of what sinks have set aside. */
export function sinkRoutes(sinks: SinkList): Route[] {
  const find = (name: string) => {
    const found = sinks.aside(name);
    if (found) return found;
    const names = Object.keys(sinks.health());
    const known = names.length === 0 ? 'there are none' : `there are ${names.join(', ')}`;
    throw new ProtocolError('NOT_OFFERED', `there is no sink ${name}: ${known}`);
  };
  return [
    route({
      method: 'GET',
      path: '/api/sinks',
      summary: 'The sinks: whether they work, what waits, and what was set aside.',
      right: 'sinks',
      answer: schemas.sinks,
      handle: () => ({ sinks: Object.entries(sinks.health()).map(([name, health]) => ({ name, ...health })) }),
    }),
    route({
      method: 'GET',
      path: '/api/sinks/:sink/aside',
      summary: "What a sink has set aside since the table refused it, oldest first, of the key's channels.",
      right: 'sinks',
      query: schemas.asideQuery,
      answer: schemas.asideRows,
      handle: async ({ caller, params, query: { limit = ROWS, after } }) => {
        const { rows, next } = await find(params.sink!).page(mayUse(caller), { limit, after });
        // The data as it was published, with all digits.
        const more = next === undefined ? '' : `,"next":"${next}"`;
        return JsonText.written(`{"rows":[${rows.map(textOf).join()}]${more}}`);
      },
    }),
    route({
      method: 'POST',
      path: '/api/sinks/:sink/retry',
      summary: "Writes again what a sink has set aside: all rows of the key's channels, or some.",
      right: 'sinks',
      body: schemas.retryBody,
      mayLackBody: true,
      answer: schemas.rowsChanged,
      handle: async ({ caller, params, body: { places } }) => ({
        rows: await find(params.sink!).retry(mayUse(caller), places),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/sinks/:sink/drop',
      summary: "Forgets what a sink has set aside, for good: some rows, or all of the key's channels.",
      right: 'sinks',
      body: schemas.dropBody,
      answer: schemas.rowsChanged,
      handle: async ({ caller, params, body }) => ({
        rows: await find(params.sink!).drop(mayUse(caller), 'places' in body ? body.places : undefined),
      }),
    }),
  ];
}

function mayUse(caller: ApiCaller | undefined): MayUse {
  return (channel) => caller?.may('sinks', channel) ?? false;
}

function textOf({ place, channel, offset, time, data, meta, reason }: AsideRow): string {
  const known = JSON.stringify({ place, channel, offset, time, reason }).slice(0, -1);
  return `${known},"data":${data}${meta === null ? '' : `,"meta":${meta}`}}`;
}
