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
  /** The opened parts, the last one first. */
  readonly #opened: Part[] = [];
  #config: Config;
  /** The last reload that was requested; the next one waits for it. */
  #reloading: Promise<void> = Promise.resolve();

  /**
   * Opens nothing yet. `build` makes the parts. Default: `assemble`.
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
      // Closed after the listeners and before the parts that it prepares: a reload is abandoned between two of them.
      { name: 'the reload', close: () => this.#reloading.catch(() => {}) },
    ];
    const listeners = assembly.parts.filter(({ isListener }) => isListener);
    this.#parts = [...assembly.parts.filter(({ isListener }) => !isListener), ...own, ...listeners];
    this.#assembly = assembly;
    this.#drain = drain;
    this.#config = config;
    this.hub = assembly.hub;
    this.auth = assembly.auth;
  }

  get config(): Config {
    return this.#config;
  }

  /** The keys of the configuration that a reload can change: those that a part follows. */
  get reloads(): ReadonlySet<string> {
    return new Set(this.#parts.flatMap(({ reloads = [] }) => reloads));
  }

  /** The addresses of pages, API and WebSockets. */
  get addresses(): readonly string[] {
    return this.#assembly.web.flatMap(({ addresses }) => addresses);
  }

  /** Where sources listen, by the name of the source. */
  get sourceAddresses(): Readonly<Record<string, readonly string[]>> {
    return this.#assembly.sources.addresses;
  }

  /** The traffic of all WebSockets. */
  get traffic(): Traffic {
    return this.#assembly.server.traffic;
  }

  /** Opens all parts. When one fails, closes those that were opened, and then throws its error. */
  async start(): Promise<void> {
    try {
      for (const part of this.#parts) {
        this.#opened.unshift(part); // also when it fails to open: it may be half open
        await part.open?.();
      }
    } catch (error) {
      await this.#undo();
      throw error;
    }
  }

  /** Closes what was opened, after a failure. Further failures are ignored, since the first one is reported. */
  async #undo(): Promise<void> {
    for (const part of this.#opened.splice(0)) {
      try {
        await part.close?.(0);
      } catch {}
    }
  }

  /**
   * Tells every client when to reconnect, flushes what was published, and closes everything. True when all of that was
   * done within `drain.deadline`.
   */
  stop(): Promise<boolean> {
    return this.#drain.run(this.#opened.filter((part) => part.close).map(stepOf));
  }

  /**
   * Switches to another configuration, all of it or nothing. Concurrent calls run one after the other.
   * @throws ZocaloError BAD_OPTION naming the keys that only a restart can change; what a part throws that refuses it;
   * ABORTED when the daemon stops.
   */
  reload(config: Config): Promise<void> {
    const before = this.#reloading.catch(() => {}); // its own caller was told
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
        advice: 'nothing was changed: undo it, or restart the daemon',
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
    if (this.#drain.isDraining)
      throw new ZocaloError('ABORTED', 'the daemon is stopping, and does not reload its configuration');
  }
}

function stepOf(part: Part): Step {
  return { what: part.name, stop: (grace) => part.close?.(grace), isListener: part.isListener ?? false };
}
