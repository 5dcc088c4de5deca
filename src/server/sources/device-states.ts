import type { Clock } from '../../clock.ts';
import type { ZocaloError } from '../../errors.ts';
import type { Hub } from '../../hub/index.ts';
import { mayRetry, ProtocolError } from '../../protocol/index.ts';
import { toZocaloError } from '../../stream/index.ts';
import type { DeviceRecords } from './device-records.ts';

/** Milliseconds until a state is published again that the log did not take. */
const RETRY = 1_000;

export interface State {
  readonly device: string;
  readonly here: boolean;
  /** When its last frame came, in milliseconds since 1970. */
  readonly lastSeen?: number | undefined;
}

export interface DeviceStatesOptions {
  readonly source: string;
  /** Undefined for a name that fits into none. */
  readonly channelOf: (device: string) => string | undefined;
  readonly hub: Pick<Hub, 'publish'>;
  readonly records: DeviceRecords;
  readonly clock: Clock;
  readonly report: (error: ZocaloError, device: string) => void;
}

/**
 * Publishes whether devices are here. A device that was here when the daemon died is said to be away at its next start,
 * so that no page shows it for ever.
 */
export class DeviceStates {
  readonly #options: DeviceStatesOptions;
  /** What is to be published of a device; while it is being published, undefined. */
  readonly #latest = new Map<string, State | undefined>();
  readonly #running = new Set<Promise<void>>();
  #isClosing = false;

  constructor(options: DeviceStatesOptions) {
    this.#options = options;
  }

  open(): void {
    const { records, source } = this.#options;
    for (const { device, seen } of records.left(source)) this.changed({ device, here: false, lastSeen: seen });
  }

  /** Resolves when everything is published that can be. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#running);
  }

  /** Of several changes that wait for the log, only the last one counts. */
  changed(state: State): void {
    const isRunning = this.#latest.has(state.device);
    this.#latest.set(state.device, state);
    if (isRunning) return;
    const running = this.#publishAll(state.device).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #publishAll(device: string): Promise<void> {
    const { clock, report } = this.#options;
    for (let state = this.#latest.get(device); state; state = this.#latest.get(device)) {
      this.#latest.set(device, undefined);
      try {
        await this.#publish(state);
      } catch (error) {
        report(toZocaloError(error, device), device);
        if (this.#isClosing || (error instanceof ProtocolError && !mayRetry(error.code))) continue;
        await new Promise<void>((resolve) => clock.after(RETRY, resolve));
        if (this.#latest.get(device) === undefined) this.#latest.set(device, state);
      }
    }
    this.#latest.delete(device);
  }

  async #publish({ device, here, lastSeen }: State): Promise<void> {
    const { source, channelOf, hub, records } = this.#options;
    const channel = channelOf(device);
    if (channel === undefined) return;
    // So that a daemon that dies in between does not forget to say that it went.
    if (here) records.saw(source, device, true);
    await hub.publish(channel, { device, here, lastSeen: lastSeen ?? null });
    if (!here) records.saw(source, device, false);
  }
}
