import { isOwn } from '../../hub/index.ts';
import { PatternTable } from '../../protocol/index.ts';
import type { Path } from './path.ts';
import type { Config } from './schema.ts';

type Say = (path: Path, sentence: string) => void;

/**
 * The channels that sources use. `check` says of a channel that no entry offers it.
 */
export function checkSources(
  { sources, channels }: Pick<Config, 'sources' | 'channels'>,
  wrong: Say,
  check: (channel: string, path: Path, say: 'wrong' | 'odd') => void,
): void {
  const options = new PatternTable(channels);
  for (const [name, source] of Object.entries(sources)) {
    if ('lines' in source) {
      const path = ['sources', name, 'channel'];
      if (isOwn(source.channel)) wrong(path, "is one of the daemon's own channels, which no source can use");
      else check(source.channel, path, 'wrong'); // its connections could not hear anything
    }
    if ('database' in source || 'lines' in source) continue;
    const templates: { readonly [key in 'channel' | 'commands' | 'state']?: string | undefined } = source;
    for (const key of ['channel', 'commands', 'state'] as const) {
      const template = templates[key];
      if (template === undefined) continue;
      const path = ['sources', name, key];
      const example = template.replaceAll(/\{[\w.-]+\}/g, 'x');
      if (isOwn(example)) wrong(path, "is one of the daemon's own channels, which no source can use");
      else if (key !== 'channel' && template === source.channel) wrong(path, 'must not be the channel of the readings');
      else check(example, path, 'odd');
      if (key === 'commands' && options.match(example)?.value.history === false)
        wrong(
          path,
          `needs a history: channels["${options.match(example)!.pattern}"] keeps none, so that no command waits`,
        );
    }
    if (templates.commands !== undefined && templates.commands === templates.state)
      wrong(['sources', name, 'state'], 'must not be the channel of the commands');
  }
}
