import type { DeviceState, PushSource } from '../../sources/index.ts';
import type { Config, OutboxConfig, SourceConfig } from '../config/index.ts';
import { databaseAddress } from '../databases/index.ts';
import { Leaving } from '../leaving.ts';
import { metricLines } from '../operations/index.ts';
import type { Change, Part } from '../part.ts';
import { DeviceRecords } from './device-records.ts';
import { Devices } from './device-source.ts';
import { Lines } from './line-source.ts';
import { OutboxSource } from './outbox-source.ts';
import type { Source, SourceDetails, SourceMetric, SourceParts } from './source.ts';

type Configs = Config['sources'];

export interface SourcesParts extends Omit<SourceParts, 'metrics' | 'random' | 'records'> {
  readonly metrics: SourceParts['metrics'] & { add(lines: () => string[]): void };
  /** Default `Math.random`. */
  readonly random?: () => number;
  /** For what is known of devices; undefined: in memory. */
  readonly file: string | undefined;
}

/** Milliseconds that a source which a reload has replaced has to store what it has read. */
const GRACE = 5_000;

/** What feeds channels from outside. A source that fails affects neither the others nor the daemon. */
export class Sources implements Part {
  readonly name = 'the sources';
  readonly reloads = ['sources', 'databases'] as const;
  readonly #first: Configs;
  readonly #parts: SourceParts;
  readonly #sources = new Map<string, { readonly key: string; readonly source: Source }>();
  /** Those that a reload has replaced, by name and by place, until what they took is settled. */
  readonly #leaving = new Leaving();
  #isClosing = false;
  #floor: typeof import('../../sources/index.ts') | undefined;

  constructor(config: Pick<Config, 'sources' | 'databases'>, { random = Math.random, file, ...parts }: SourcesParts) {
    this.#first = sourcesOf(config);
    this.#parts = { ...parts, random, records: new DeviceRecords(file, parts.now) };
    parts.metrics.add(() => this.#metricLines());
  }

  async open(): Promise<void> {
    await this.#load(this.#first);
    await this.#use(this.#first);
  }

  async prepare(next: Config): Promise<Change> {
    const sources = sourcesOf(next);
    await this.#load(sources);
    return { commit: () => void this.#use(sources) };
  }

  /** What was not settled in time is taken again after the next start. */
  async close(grace: number): Promise<void> {
    this.#isClosing = true;
    const closed = [...this.#sources.values()].map(({ source }) => source.close(grace));
    const late = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(grace, late.resolve);
    await Promise.race([Promise.all([...closed, this.#leaving.settled()]), late.promise]);
    cancel();
    this.#parts.records.close();
  }

  /** For `/health`. */
  health(): Readonly<Record<string, object>> {
    return Object.fromEntries([...this.#sources].map(([name, { source }]) => [name, source.health()]));
  }

  /** For operators. */
  list(): readonly (SourceDetails & ReturnType<Source['health']> & { readonly name: string })[] {
    return [...this.#sources].map(([name, { source }]) => ({ name, ...source.details(), ...source.health() }));
  }

  /** The devices of all sources, or of one. */
  devices(of?: string): readonly (DeviceState & { readonly source: string })[] {
    const some = [...this.#sources].filter(([name]) => of === undefined || name === of);
    return some.flatMap(
      ([
        source,
        {
          source: { devices = [] },
        },
      ]) => devices.map((state) => ({ source, ...state })),
    );
  }

  /** What answers devices that call by HTTP. */
  get pushes(): readonly PushSource[] {
    const all = [...this.#sources.values()].map(({ source }) => (source instanceof Devices ? source.push : undefined));
    return all.filter((push) => push !== undefined);
  }

  /** Where the sources of devices listen, with their actual ports, by name. */
  get addresses(): Readonly<Record<string, readonly string[]>> {
    const all = [...this.#sources].map(([name, { source }]) => [name, source.addresses ?? []] as const);
    return Object.fromEntries(all.filter(([, addresses]) => addresses.length > 0));
  }

  /** A daemon without sources does not need the memory for this. @throws ZocaloError STORE_FAILED. */
  async #load(sources: Configs): Promise<void> {
    if (Object.keys(sources).length > 0) this.#floor ??= await import('../../sources/index.ts');
    if (Object.values(sources).some(hasRecords)) this.#parts.records.open();
  }

  /** A source whose options are the same goes on. Resolves when the others have tried to open. */
  async #use(next: Configs): Promise<void> {
    const started: Promise<void>[] = [];
    for (const [name, { key, source }] of this.#sources)
      if (key !== JSON.stringify(next[name])) {
        this.#sources.delete(name);
        this.#leaving.add(marksOf(name, source), source.close(GRACE));
      }
    for (const [name, config] of Object.entries(next)) {
      if (this.#sources.has(name)) continue;
      const source = this.#sourceOf(name, config);
      this.#sources.set(name, { key: JSON.stringify(config), source });
      // Not beside its predecessor, whose readings may be on their way, or which has its port.
      const free = this.#leaving.free(marksOf(name, source));
      const start = async () => {
        await free;
        if (!this.#isClosing && this.#sources.get(name)?.source === source) await source.start();
      };
      started.push(start());
    }
    await Promise.all(started);
  }

  /** The kinds of sources. */
  #sourceOf(name: string, config: SourceConfig): Source {
    if ('database' in config) return new OutboxSource(name, config, this.#parts, this.#floor!);
    if ('lines' in config) return new Lines(name, config, this.#parts, this.#floor!);
    return new Devices(name, config, this.#parts, this.#floor!);
  }

  #metricLines(): string[] {
    const metrics = new Map<string, { readonly metric: SourceMetric; readonly entries: [string, number][] }>();
    for (const [name, { source }] of this.#sources)
      for (const [metric, value] of source.measures()) {
        if (!metrics.has(metric.name)) metrics.set(metric.name, { metric, entries: [] });
        metrics.get(metric.name)!.entries.push([name, value]);
      }
    return [...metrics.values()].flatMap(({ metric: { name, kind, help }, entries }) =>
      metricLines(name, kind, help, { label: 'source', entries }),
    );
  }
}

function hasRecords(config: SourceConfig): boolean {
  const { commands, state } = config as { readonly commands?: string; readonly state?: string };
  return commands !== undefined || state !== undefined;
}

/** With the addresses of databases in place of their names, and without what concerns sinks alone. */
function sourcesOf({ sources, databases }: Pick<Config, 'sources' | 'databases'>): Configs {
  const all = Object.entries(sources).map(([name, source]) => {
    if ('database' in source) return [name, withAddresses(source, databases)];
    if (!('into' in source)) return [name, source];
    const { into: _, ...others } = source;
    return [name, others];
  });
  return Object.fromEntries(all);
}

function withAddresses({ database, notifications, ...others }: OutboxConfig, databases: Config['databases']) {
  const addressOf = (name: string) => databaseAddress(name, databases);
  return {
    ...others,
    database: addressOf(database),
    ...(notifications !== undefined && { notifications: addressOf(notifications) }),
  };
}

function marksOf(name: string, { place }: Source): string[] {
  return place === undefined ? [`name ${name}`] : [`name ${name}`, `place ${place}`];
}
