import type { Broker } from '../../broker/index.ts';
import { type Meta, type Position, parseJson } from '../../protocol/index.ts';
import { guard } from '../../thenable.ts';
import { stamped } from '../publication.ts';
import type { Report } from '../report.ts';

/** Is told what is published, with the time, and the user and the key if there are any. */
export type WatchListener = (
  channel: string,
  data: unknown,
  position: Position,
  meta: Meta & { readonly time: number },
) => void;

/** Calls `listener` with everything appended to a channel, or to those of a pattern. The answer stops it. */
export function watchLogs(
  broker: Broker,
  report: Report,
  channelOrPattern: string,
  listener: WatchListener,
): Promise<() => void> {
  return broker.watch(channelOrPattern, (channel, epoch, entries) => {
    for (const { data, offset, meta, time } of entries)
      guard(
        () => listener(channel, parseJson(data), [epoch, offset], JSON.parse(stamped(meta, time))),
        (cause) => report(`the watcher of ${channelOrPattern} failed`, cause),
      );
  });
}
