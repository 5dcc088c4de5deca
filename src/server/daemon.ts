import { systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import type { Hub } from '../hub/index.ts';
import type { Auth } from './auth/index.ts';
import type { Config } from './config/index.ts';
import { Drain, type Step } from './operations/index.ts';
import { type Change, changes, type Part } from './part.ts';
import { type Assembly, assemble, type DaemonOptions } from './parts.ts';
import type { Traffic } from './transports/index.ts';

/** `zocalo serve`: the parts that one configuration asks for, opened in order, reloaded together and closed in reverse. */
export class Daemon {
  readonly hub: Hub;
  readonly auth: Auth;
  readonly #assembly: Assembly;
  readonly #parts: readonly Part[];
  readonly #drain: Drain;
  /** What has been opened, the last one first. */
  readonly #opened: Part[] = [];
  #config: Config;
  /** The last one that was asked for: the next one waits for it. */
  #reloading: Promise<void> = Promise.resolve();

  /**
   * Opens nothing yet. `build` makes the parts; default: those of the program.
   * @throws ZocaloError BAD_OPTION, BAD_ADDRESS.
   */
  constructor(config: Config, options: DaemonOptions, build: typeof assemble = assemble) {
    const { log, clock = systemClock, now = Date.now } = options;
    const drain = new Drain({ deadline: config.drain.deadline, log, clock });
    const assembly = build(config, { ...options, clock, now, isDraining: () => drain.isDraining });
    const own: readonly Part[] = [
      {
        name: 'the drain',
        reloads: ['drain'],
        prepare: (next) => ({
          commit: () => {
            drain.deadline = next.drain.deadline;
          },
        }),
      },
      // Behind the doors, and before the parts that it prepares: it is abandoned between two of them.
      { name: 'the reload', close: () => this.#reloading.catch(() => {}) },
    ];
    const doors = assembly.parts.filter(({ isDoor }) => isDoor);
    this.#parts = [...assembly.parts.filter(({ isDoor }) => !isDoor), ...own, ...doors];
    this.#assembly = assembly;
    this.#drain = drain;
    this.#config = config;
    this.hub = assembly.hub;
    this.auth = assembly.auth;
  }

  get config(): Config {
    return this.#config;
  }

  /** The keys of the configuration that a reload can change: those that some part follows. */
  get reloads(): ReadonlySet<string> {
    return new Set(this.#parts.flatMap(({ reloads = [] }) => reloads));
  }

  /** Where pages, API and WebSockets are. */
  get addresses(): readonly string[] {
    return this.#assembly.web.flatMap(({ addresses }) => addresses);
  }

  /** Where raw lines are taken. */
  get lineAddresses(): readonly string[] {
    return this.#assembly.lines?.addresses ?? [];
  }

  /** What goes over all WebSockets. */
  get traffic(): Traffic {
    return this.#assembly.server.traffic;
  }

  /** Opens everything. What fails is thrown when all that was opened is closed again. */
  async start(): Promise<void> {
    try {
      for (const part of this.#parts) {
        this.#opened.unshift(part); // also what fails to open may have begun to
        await part.open?.();
      }
    } catch (error) {
      await this.#undo();
      throw error;
    }
  }

  /** After a failure, which is the one to report: what fails here too is passed over. */
  async #undo(): Promise<void> {
    for (const part of this.#opened.splice(0)) {
      try {
        await part.close?.(0);
      } catch {}
    }
  }

  /**
   * Tells everybody when to come back, flushes what was published, and closes everything. True when all that was done
   * within `drain.deadline`.
   */
  stop(): Promise<boolean> {
    return this.#drain.run(this.#opened.filter((part) => part.close).map(stepOf));
  }

  /**
   * Takes another configuration, all of it or nothing; one after the other when several are asked for at once.
   * @throws ZocaloError BAD_OPTION naming what only a restart can change, and as the parts that refuse it; ABORTED when
   *   the daemon stops.
   */
  reload(config: Config): Promise<void> {
    const before = this.#reloading.catch(() => {}); // its caller was told
    this.#reloading = before.then(() => this.#reload(config));
    return this.#reloading;
  }

  async #reload(next: Config): Promise<void> {
    const now = this.#config;
    const { reloads } = this;
    const fixed = (Object.keys(next) as (keyof Config)[]).filter((key) => !reloads.has(key) && changes(key, next, now));
    this.#refuseWhileStopping();
    if (fixed.length > 0)
      throw new ZocaloError('BAD_OPTION', `${fixed.join(', ')} cannot change while the daemon runs`, {
        advice: 'nothing was changed: put it back, or restart the daemon',
      });
    const prepared: Change[] = [];
    try {
      for (const part of this.#parts) {
        const change = await part.prepare?.(next, now);
        if (change) prepared.push(change);
        this.#refuseWhileStopping();
      }
    } catch (error) {
      for (const { discard } of prepared) discard?.();
      throw error;
    }
    // From here on nothing can fail.
    for (const { commit } of prepared) commit();
    this.#config = next;
  }

  #refuseWhileStopping(): void {
    if (this.#drain.isDraining) throw new ZocaloError('ABORTED', 'the daemon stops, and takes no configuration');
  }
}

function stepOf(part: Part): Step {
  return { what: part.name, stop: (grace) => part.close?.(grace), isDoor: part.isDoor ?? false };
}
