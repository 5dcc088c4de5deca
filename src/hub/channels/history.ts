import type { Broker, LogState } from '../../broker/index.ts';
import { checkNames, type OptionNames } from '../../option-names.ts';
import { type GetOptions, JsonText, type Position, ProtocolError } from '../../protocol/index.ts';
import { stamped } from '../publication.ts';

/** Publications that a client accepts at once, if it does not say how many. */
export const CREDIT = 256;

const NAMES: OptionNames<GetOptions> = { at: true, limit: true };

/** @throws ZocaloError BAD_OPTION for an option that there is not. */
export function checkHistoryOptions(options: GetOptions): void {
  checkNames(options, NAMES, 'of hub.history');
}

/**
 * A page of a channel's log: a `History` as JSON, whose data is the text that was published. @throws ProtocolError
 * BAD_POSITION; ZocaloError as the broker.
 */
export async function history(broker: Broker, name: string, { at, limit = CREDIT }: GetOptions): Promise<JsonText> {
  const begin = async ({ epoch, oldest }: LogState) => broker.read(name, [epoch, oldest - 1], { limit });
  const look = async () => {
    if (!at) return begin(await broker.state(name));
    const page = await broker.read(name, at, { limit });
    if (page.gap === 'future') throw new ProtocolError('BAD_POSITION', futureOf(name, page.head, at));
    return page.gap ? { ...(await begin(page)), gap: true as const } : page;
  };
  const page = await look();
  const { epoch, oldest, head } = page;
  const entries = 'entries' in page ? page.entries : [];
  const lines = entries.map(({ offset, data, meta, time }) => `[${offset},${data},${stamped(meta, time)}]`);
  const gap = page.gap ? ',"gap":true' : '';
  return JsonText.written(
    `{"epoch":${JSON.stringify(epoch)},"oldest":${oldest},"head":${head}${gap},"entries":[${lines.join()}]}`,
  );
}

export function futureOf(channel: string, head: number, at: Position): string {
  return `${channel} has counted ${head} publications, not ${at[1]}`;
}
