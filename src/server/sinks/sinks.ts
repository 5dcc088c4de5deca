import { type Broker, isQueueing, matcherOf, type Queueing } from '../../broker/index.ts';
import { ZocaloError } from '../../errors.ts';
import type { Hub } from '../../hub/index.ts';
import type { SinkWriter } from '../../sources/index.ts';
import type { Config } from '../config/index.ts';
import { Leaving } from '../leaving.ts';
import { type Metrics, metricLines } from '../operations/index.ts';
import type { Change, Part } from '../part.ts';
import { rowHealth } from '../row-health.ts';
import { AsideRows } from './aside-rows.ts';
import { queueOf, type Sink, sinksOf } from './sinks-of.ts';
import { METRICS, type WritingParts, writerOf } from './writing.ts';

export interface SinksParts extends Omit<WritingParts, 'metrics' | 'random'> {
  readonly hub: Pick<Hub, 'observe'>;
  readonly broker: Broker;
  readonly metrics: Pick<Metrics, 'add' | 'failed'>;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

interface Running {
  readonly key: string;
  readonly matches: (channel: string) => boolean;
  /** Where it writes, for operators: without a password. */
  readonly place: string;
  readonly writer: SinkWriter;
}

type All = ReturnType<typeof sinksOf>;

/**
 * What is written from channels to tables. The store puts each publication into the queues of its sinks in the same
 * transaction as into the log, so nothing is lost between the two, whenever this process ends.
 */
export class Sinks implements Part {
  readonly name = 'the sinks';
  readonly reloads = ['sinks', 'databases', 'channels', 'sources'] as const;
  readonly #first: All;
  readonly #parts: SinksParts;
  readonly #running = new Map<string, Running>();
  /** By name: those that a reload has replaced, until they are at rest. */
  readonly #leaving = new Leaving();
  #store = '';
  #isClosing = false;
  #floor: typeof import('../../sources/index.ts') | undefined;
  #stopObserving: (() => void) | undefined;

  constructor(config: Parameters<typeof sinksOf>[0], parts: SinksParts) {
    this.#first = sinksOf(config);
    this.#parts = parts;
    parts.metrics.add(() => this.#metricLines());
  }

  /** After the hub, and before whatever publishes. @throws ZocaloError BAD_OPTION, LOG_…. */
  async open(): Promise<void> {
    await this.#load(this.#first);
    await this.#use(this.#first);
  }

  /** @throws ZocaloError BAD_OPTION. */
  async prepare(next: Config): Promise<Change> {
    const sinks = sinksOf(next);
    await this.#load(sinks);
    return { commit: () => void this.#use(sinks).catch((err) => this.#failed(err)) };
  }

  /** What waits is written if that is done in time; otherwise after the next start. */
  async close(grace: number): Promise<void> {
    this.#isClosing = true;
    this.#stopObserving?.();
    const late = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(grace, late.resolve);
    const closed = [...this.#running.values()].map(({ writer }) => writer.close(grace));
    await Promise.race([Promise.all([...closed, this.#leaving.settled()]), late.promise]);
    cancel();
  }

  /** For `/health`. */
  health(): Readonly<Record<string, object>> {
    return Object.fromEntries([...this.#running].map(([name, { writer }]) => [name, rowHealth(writer.status)]));
  }

  /** For operators. */
  list(): readonly (ReturnType<typeof rowHealth> &
    Pick<Running, 'place'> & { readonly name: string; readonly message?: string })[] {
    return [...this.#running].map(([name, { place, writer }]) => {
      const { error } = writer.status;
      return { name, place, ...(error && { message: error.happened }), ...rowHealth(writer.status) };
    });
  }

  /** What a sink has set aside; undefined when there is no such sink. */
  aside(name: string): AsideRows | undefined {
    if (!this.#running.has(name)) return undefined;
    return new AsideRows(this.#queues(), name, () => this.#running.get(name)?.writer.wake());
  }

  /** A daemon without sinks does not need the memory for this. */
  async #load(sinks: All): Promise<void> {
    if (Object.keys(sinks).length === 0) return;
    this.#queues();
    this.#floor ??= await import('../../sources/index.ts');
  }

  #queues(): Queueing {
    const { broker } = this.#parts;
    if (isQueueing(broker)) return broker;
    throw new ZocaloError('BAD_OPTION', 'this store cannot keep what sinks have yet to write', {
      advice: 'set store to sqlite:<file>, or remove the sinks',
    });
  }

  /** A sink whose options are the same goes on. */
  async #use(next: All): Promise<void> {
    if (Object.keys(next).length === 0 && this.#running.size === 0) return;
    for (const [name, { key, writer }] of this.#running)
      if (key !== JSON.stringify(next[name])) {
        this.#running.delete(name);
        this.#leaving.add([name], writer.stop());
      }
    const fresh = Object.entries(next).filter(([name]) => !this.#running.has(name));
    for (const [name, sink] of fresh) this.#running.set(name, this.#runningOf(name, sink));
    this.#stopObserving ??= this.#parts.hub.observe({ onPublished: ({ channel }) => this.#wake(channel) });
    // Before whatever is published after this call.
    const used = this.#queues().useQueues(Object.entries(next).map(([name, sink]) => queueOf(name, sink)));
    this.#store = await used;
    for (const [name] of fresh) void this.#start(name).catch((err) => this.#failed(err));
  }

  #runningOf(name: string, sink: Sink): Running {
    const { random = Math.random } = this.#parts;
    const queue = { queue: this.#queues(), store: () => this.#store };
    const writer = writerOf(name, sink, queue, { ...this.#parts, random }, this.#floor!);
    const place = `${sink.table} of ${this.#floor!.placeOf(sink.address)}`;
    return { key: JSON.stringify(sink), matches: matcherOf(queueOf(name, sink)), place, writer };
  }

  /** Not beside its predecessor, whose rows may be on their way. What was set aside may be right now. */
  async #start(name: string): Promise<void> {
    const running = this.#running.get(name);
    await this.#leaving.free([name]);
    if (this.#isClosing || this.#running.get(name) !== running) return;
    await this.#queues().retry(name);
    if (!this.#isClosing && this.#running.get(name) === running) running?.writer.start();
  }

  #wake(channel: string): void {
    for (const { matches, writer } of this.#running.values()) if (matches(channel)) writer.wake();
  }

  #failed(err: unknown): void {
    if (this.#isClosing) return;
    this.#parts.metrics.failed(err);
    this.#parts.log.write('error', 'sinks', { err }, 'the sinks could not be started');
  }

  #metricLines(): string[] {
    const all = [...this.#running].map(([name, { writer }]) => [name, writer.status] as const);
    return METRICS.flatMap(({ name, kind, help, read }) => {
      const values = all.map(([sink, status]) => [sink, read(status)] as const);
      const entries = values.filter((entry): entry is readonly [string, number] => entry[1] !== undefined);
      return entries.length === 0 ? [] : metricLines(name, kind, help, { label: 'sink', entries });
    });
  }
}
