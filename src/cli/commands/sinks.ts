import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import { JsonText } from '../../protocol/index.ts';
import { callDaemon } from '../daemon-call.ts';
import { print } from '../terminal.ts';
import { addEndpoint, type EndpointOptions, endpointOf } from './endpoint.ts';

const EXAMPLES = `
A sink sets aside what its table refuses. Correct the table or the columns, and try it again; or drop it. A row is named by
its place, which \`aside\` prints first. The daemon's address and a key with the right sinks come from the configuration here
(or its Unix socket, which needs no key), or from --url, and --api-key or ZOCALO_API_KEY.

Examples:
  zocalo sinks list
  zocalo sinks aside doors
  zocalo sinks retry doors                       all of it
  zocalo sinks retry doors 1764125100000000
  zocalo sinks drop doors 1764125100000000
  zocalo sinks drop doors --all`;

interface ListedSink {
  readonly name: string;
  readonly ok: boolean;
  readonly error?: string;
  readonly waiting?: number;
  readonly aside?: number;
}

interface AsideRow {
  readonly place: number;
  readonly channel: string;
  readonly offset: number;
  readonly time: number;
  readonly reason: string;
}

export function addSinks(program: Command): void {
  const sinks = program
    .command('sinks')
    .description('what is written to tables, and what these refused')
    .addHelpText('after', EXAMPLES);
  addEndpoint(sinks.command('list').description('print the sinks, with what waits and what was set aside')).action(
    list,
  );
  addEndpoint(sinks.command('aside <sink>').description('print what was set aside, with the reason')).action(aside);
  addEndpoint(
    sinks.command('retry <sink> [place...]').description('write again what was set aside: all of it, or some rows'),
  ).action(retry);
  addEndpoint(sinks.command('drop <sink> [place...]').description('forget rows that were set aside, for good'))
    .option('--all', 'all that was set aside')
    .action(drop);
}

async function list(options: EndpointOptions): Promise<void> {
  const { sinks } = (await call(options, '/api/sinks')) as { sinks: readonly ListedSink[] };
  const lines = sinks.map(({ name, ok, error, waiting = 0, aside = 0 }) => {
    return `${name} ${ok ? 'ok' : error}, ${waiting} waiting, ${aside} set aside\n`;
  });
  await print(lines.join(''));
}

/** Two lines for each: what it is and why it was refused, and its data. */
async function aside(sink: string, options: EndpointOptions): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined; ) {
    const path = pathOf(sink, `aside?limit=1000${after && `&after=${after}`}`);
    const page = (await call(options, path)) as { rows: readonly (AsideRow & { data: unknown })[]; next?: string };
    for (const { place, channel, offset, time, reason, data } of page.rows) {
      const about = `${place} ${channel} ${offset} ${new Date(time).toISOString()} ${reason}`;
      await print(`${about.replaceAll(/\s+/g, ' ')}\n  ${JSON.stringify(data)}\n`);
    }
    after = page.next;
  }
}

function retry(sink: string, places: readonly string[], options: EndpointOptions): Promise<void> {
  return change(options, pathOf(sink, 'retry'), places.length === 0 ? {} : { places: places.map(placeFrom) });
}

async function drop(
  sink: string,
  places: readonly string[],
  options: EndpointOptions & { all?: boolean },
): Promise<void> {
  if (places.length > 0 === (options.all === true))
    throw new ZocaloError('BAD_OPTION', 'either places of rows are needed, or --all', {
      advice: 'zocalo sinks aside prints the places',
    });
  await change(options, pathOf(sink, 'drop'), options.all ? { all: true } : { places: places.map(placeFrom) });
}

async function change(options: EndpointOptions, path: string, body: object): Promise<void> {
  const { rows } = (await call(options, path, JsonText.of(body))) as { rows: number };
  await print(`${rows} ${rows === 1 ? 'row' : 'rows'}\n`);
}

async function call(options: EndpointOptions, path: string, body?: JsonText): Promise<unknown> {
  return callDaemon(await endpointOf(options, 'sinks'), path, body);
}

function pathOf(sink: string, rest: string): string {
  return `/api/sinks/${encodeURIComponent(sink)}/${rest}`;
}

/** @throws ZocaloError BAD_OPTION. */
function placeFrom(text: string): number {
  if (/^\d{1,16}$/.test(text)) return Number(text);
  throw new ZocaloError('BAD_OPTION', `${text} is not the place of a row`, {
    advice: 'zocalo sinks aside prints them',
  });
}
