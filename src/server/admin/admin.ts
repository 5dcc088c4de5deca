import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../clock.ts';
import type { ChannelOptions, Hub } from '../../hub/index.ts';
import { residentMemory } from '../operations/index.ts';
import { Recorder } from './recorder.ts';
import { ADMIN_CHANNEL, type AdminNews, type LinkRow, type NodeRow, type Sample } from './view.ts';
import { Watch } from './watch.ts';

/** Seconds between two questions to the other nodes. */
const ASK = 3;
/** Five minutes of samples, a second each. */
const REMEMBERED = 300;

export interface AdminOptions {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Sources, sinks, handlers, and a store in trouble. Default: none. */
  links?: () => LinkRow[];
}

/** The options of the channels that the admin page reads: only a token that names them grants access. */
export const ADMIN_CHANNELS: Readonly<Record<string, ChannelOptions>> = {
  'zocalo:*': { subscribe: (who, channel) => who.isGranted('subscribe', channel), publish: false, history: false },
};

/** Takes a sample each second, keeps the last five minutes, and publishes them while somebody watches. */
export class Admin {
  readonly samples: Sample[] = [];
  readonly #hub: Hub;
  readonly #options: AdminOptions;
  readonly #recorder: Recorder;
  readonly #watch: Watch;
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });
  #cpu = process.cpuUsage();
  #stops: (() => void)[] = [];
  #nodes: readonly NodeRow[] = [];
  #seconds = 0;

  constructor(hub: Hub, options: AdminOptions) {
    this.#hub = hub;
    this.#options = options;
    this.#recorder = new Recorder(hub, options.now);
    this.#watch = new Watch(hub, options.now);
  }

  start(): void {
    this.#delay.enable();
    this.#stops = [
      this.#hub.observe(this.#recorder),
      this.#hub.observe(this.#watch),
      this.#options.clock.every(1_000, () => this.#tick()),
    ];
  }

  stop(): void {
    this.#delay.disable();
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** A handshake was refused. */
  refused(code: string, message: string, address?: string): void {
    this.#recorder.refused(code, message, address);
  }

  #tick(): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpu = process.cpuUsage();
    const memory = residentMemory();
    const sample = this.#recorder.sample({
      delay: this.#delay.percentile(99) / 1e6,
      ...(memory !== undefined && { memory }),
      cpu: (user + system) / 1e6,
    });
    this.#delay.reset();
    this.samples.push(sample);
    if (this.samples.length > REMEMBERED) this.samples.shift();
    this.#watch.tick();
    if (this.#hub.subscribers(ADMIN_CHANNEL) === 0) return;
    if (this.#seconds++ % ASK === 0) void this.#askNodes();
    const news: AdminNews = {
      sample,
      channels: this.#recorder.channels(),
      connections: this.#recorder.connections(),
      slow: [...this.#recorder.slow],
      errors: [...this.#recorder.errors],
      links: this.#options.links?.() ?? [],
      nodes: [...this.#nodes],
    };
    this.#hub.publish(ADMIN_CHANNEL, news, { keep: false, onlyHere: true }).catch(() => {});
  }

  async #askNodes(): Promise<void> {
    // Those who were there are shown as long as nobody can be asked.
    this.#nodes = await this.#hub.cluster
      .nodes()
      .catch(() =>
        this.#nodes.map(({ figures, ...facts }) => ({ ...facts, ...(facts.isHere && figures && { figures }) })),
      );
  }
}
