import type { Config } from '../config/index.ts';
import type { Change, Part } from '../part.ts';
import type { ChannelProgram, ChannelProgramParts } from './channel-program.ts';

/** Milliseconds that a program has when the daemon stops. */
const GRACE = 2_000;

type Programs = Config['programs'];

/** The programs of channels: each is started with its channel's first subscriber, and stopped after the last. */
export class ChannelPrograms implements Part {
  readonly name = 'the programs';
  readonly reloads = ['programs'] as const;
  readonly #parts: ChannelProgramParts;
  readonly #first: Programs;
  readonly #programs = new Map<string, { readonly key: string; readonly program: ChannelProgram }>();
  #kind: typeof ChannelProgram | undefined;
  /** Those that a reload has replaced, until they are gone. */
  readonly #leaving = new Set<Promise<unknown>>();
  #stopObserving = (): void => {};

  constructor(programs: Programs, parts: ChannelProgramParts) {
    this.#first = programs;
    this.#parts = parts;
  }

  async open(): Promise<void> {
    await this.#load(this.#first);
    this.#use(this.#first);
    this.#stopObserving = this.#parts.hub.observe({
      onOccupied: (channel) => this.#of(channel)?.start(),
      onVacated: (channel) => this.#of(channel)?.stopLater(),
      onPublished: ({ channel, data, connection }) => this.#of(channel)?.published(data, connection !== undefined),
    });
  }

  async prepare({ programs }: Config): Promise<Change> {
    await this.#load(programs);
    return { commit: () => this.#use(programs) };
  }

  async close(grace: number): Promise<void> {
    this.#stopObserving();
    const stopped = [...this.#programs.values()].map(({ program }) => program.stop(Math.min(grace, GRACE)));
    await Promise.all([...stopped, ...this.#leaving]);
  }

  #of(channel: string): ChannelProgram | undefined {
    return this.#programs.get(channel)?.program;
  }

  /** Loaded when it is needed, which saves the memory of a daemon without programs. */
  async #load(programs: Programs): Promise<void> {
    if (Object.keys(programs).length > 0) this.#kind ??= (await import('./channel-program.ts')).ChannelProgram;
  }

  /** A program whose options have not changed keeps running. */
  #use(next: Programs): void {
    const { hub } = this.#parts;
    for (const [channel, { key, program }] of this.#programs) {
      if (key === keyOf(next[channel])) continue;
      this.#programs.delete(channel);
      const gone = program.stop().finally(() => this.#leaving.delete(gone));
      this.#leaving.add(gone);
    }
    for (const [channel, entry] of Object.entries(next)) {
      if (this.#programs.has(channel)) continue;
      const program = new this.#kind!(channel, entry, this.#parts);
      this.#programs.set(channel, { key: keyOf(entry), program });
      if (hub.channels.includes(channel)) program.start();
    }
  }
}

function keyOf(entry: Programs[string] | undefined): string {
  return JSON.stringify(entry);
}
