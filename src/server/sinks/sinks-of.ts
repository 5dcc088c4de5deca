import type { QueueOptions } from '../../broker/index.ts';
import type { Config, IntoConfig } from '../config/index.ts';
import { databaseAddress } from '../databases/index.ts';

/** One sink: which publications it takes, and where they go. */
export interface Sink extends Omit<IntoConfig, 'database'> {
  readonly address: string;
  readonly from: readonly string[];
  readonly others: readonly string[];
}

type Relevant = Pick<Config, 'sinks' | 'channels' | 'sources' | 'databases' | 'chat'>;

/** The daemon's own channels, which `*` does not mean. */
const OWN = 'zocalo:*';

/** All sinks of a configuration by name: also those that stand beside channels and devices. */
export function sinksOf({ sinks, channels, sources, databases, chat }: Relevant): Readonly<Record<string, Sink>> {
  const all: Record<string, Sink> = {};
  const add = (name: string, { database, ...into }: IntoConfig, from: readonly string[], others: readonly string[]) => {
    all[name] = { ...into, address: databaseAddress(database, databases), from, others: [...others, OWN] };
  };
  for (const [name, { from, into }] of Object.entries(sinks)) add(name, into, from, []);
  // As everywhere, the most specific entry applies to a channel, alone.
  const entries = [...Object.keys(channels), ...(chat ? ['chat:*'] : [])];
  for (const [entry, { into }] of Object.entries(channels))
    if (into)
      add(
        `channels.${entry}`,
        into,
        [entry],
        entries.filter((other) => other !== entry),
      );
  for (const [name, source] of Object.entries(sources))
    if ('into' in source && source.into) {
      // Commands and states of devices are no readings, whose channels may look like theirs: `door:*` and `door:*:state`.
      const { commands, state } = source as { readonly commands?: string; readonly state?: string };
      const others = [commands, state].filter((template) => template !== undefined).map(patternOf);
      add(`sources.${name}`, source.into, [patternOf(source.channel)], others);
    }
  return all;
}

export function queueOf(name: string, { from, others, rows, bytes }: Sink): QueueOptions {
  return { name, from, others, rows, bytes };
}

/** The channels that a template such as `door:{device}` can make. */
function patternOf(template: string): string {
  return template.replaceAll(/\{[\w.-]+\}/g, '*').replaceAll(/\*+/g, '*');
}
