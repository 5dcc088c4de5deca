import { isOwn } from '../../hub/index.ts';
import type { Path } from './path.ts';
import type { Config } from './schema.ts';

type Say = (path: Path, sentence: string) => void;

/** What no key of a sink can know by itself. `check` says of a channel that no entry offers it. */
export function checkSinks(config: Config, wrong: Say, odd: Say, check: (channel: string, path: Path) => void): void {
  const { sinks, channels, sources, store } = config;
  let some: Path | undefined;
  const into = (value: object | undefined, path: Path) => {
    if (value !== undefined) some ??= path;
  };
  for (const [name, sink] of Object.entries(sinks)) {
    into(sink.into, ['sinks', name, 'into']);
    for (const channel of sink.from) {
      const path = ['sinks', name, 'from'];
      if (isOwn(channel)) wrong(path, "has one of the daemon's own channels, which are not stored");
      else check(channel, path);
    }
  }
  for (const [name, channel] of Object.entries(channels)) into(channel.into, ['channels', name, 'into']);
  for (const [name, source] of Object.entries(sources))
    if ('into' in source) into(source.into, ['sources', name, 'into']);
  if (some && /^memory\b/.test(store))
    odd(some, 'waits in memory, since store is memory: what is not written when the daemon ends is lost');
}
