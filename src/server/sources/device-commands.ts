import type { Clock } from '../../clock.ts';
import type { ZocaloError } from '../../errors.ts';
import type { Hub } from '../../hub/index.ts';
import type { Position } from '../../protocol/index.ts';
import type { Command } from '../../sources/index.ts';
import { toZocaloError } from '../../stream/index.ts';
import type { DeviceRecords } from './device-records.ts';

/** How many commands are read at once; each is sent when the one before it was. */
const PAGE = 50;
/** Milliseconds until a log is read again that could not be. */
const RETRY = 1_000;

export interface DeviceCommandsOptions {
  readonly source: string;
  /** `door:{device}:commands`, with `{device}` once, and filled in for a device. */
  readonly channel: string;
  /** Undefined for a name that fits into none. */
  readonly channelOf: (device: string) => string | undefined;
  readonly hub: Pick<Hub, 'watch' | 'history'>;
  readonly records: DeviceRecords;
  readonly clock: Clock;
  /** Devices can be sent commands although nobody knows whether they are here: a broker keeps them. */
  readonly always?: boolean;
  /** Resolves when a command was written. @throws ZocaloError for one that has no frame. */
  readonly send: (device: string, command: Command) => Promise<void>;
  /** A command was passed over, or the log could not be read. */
  readonly report: (error: ZocaloError, device: string) => void;
  /** The log no longer has some that a device has not had. */
  readonly onLost: (device: string, channel: string) => void;
}

/**
 * Sends devices what is published in their command channels. The log is the queue: a device that is away has its
 * position there, which is kept in the records, and goes on from it when it is here again.
 */
export class DeviceCommands {
  readonly #options: DeviceCommandsOptions;
  readonly #before: string;
  readonly #behind: string;
  readonly #here = new Set<string>();
  /** Those whose log is being read; true: look once more. */
  readonly #busy = new Map<string, boolean>();
  #unwatch = (): void => {};
  #isClosed = false;

  constructor(options: DeviceCommandsOptions) {
    this.#options = options;
    [this.#before = '', this.#behind = ''] = options.channel.split('{device}');
  }

  /** Rejects as the hub's `watch`. */
  async open(): Promise<void> {
    this.#unwatch = await this.#options.hub.watch(`${this.#before}*${this.#behind}`, (channel) => {
      const device = this.#deviceOf(channel);
      if (device !== undefined && this.#options.always) this.#here.add(device);
      if (device !== undefined && this.#here.has(device)) this.#wake(device);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
  }

  /** A device has come. */
  came(device: string): void {
    this.#here.add(device);
    this.#wake(device);
  }

  went(device: string): void {
    this.#here.delete(device);
  }

  #deviceOf(channel: string): string | undefined {
    const name = channel.slice(this.#before.length, channel.length - this.#behind.length);
    try {
      const device = decodeURIComponent(name);
      // A star of the pattern also matches colons, of which a name has none.
      return this.#options.channelOf(device) === channel ? device : undefined;
    } catch {
      return undefined;
    }
  }

  #wake(device: string): void {
    if (this.#busy.has(device)) {
      this.#busy.set(device, true);
      return;
    }
    this.#busy.set(device, false);
    void this.#deliver(device);
  }

  async #deliver(device: string): Promise<void> {
    const { clock, report } = this.#options;
    do {
      this.#busy.set(device, false);
      try {
        while (!(await this.#page(device)));
      } catch (error) {
        report(toZocaloError(error, device), device);
        await new Promise<void>((resolve) => clock.after(RETRY, resolve));
        this.#busy.set(device, true);
      }
    } while (this.#busy.get(device) && !this.#isClosed && this.#here.has(device));
    this.#busy.delete(device);
  }

  /** Whether that was all. */
  async #page(device: string): Promise<boolean> {
    const { records, source, channelOf, onLost } = this.#options;
    const channel = channelOf(device);
    if (channel === undefined) return true;
    const at = records.position(source, device);
    const { epoch, entries, gap } = await this.#history(channel, at);
    // A log that was forgotten since it was empty has lost nothing.
    if (gap && entries[0] && entries[0][0] > 1) onLost(device, channel);
    for (const [offset, data, meta] of entries) {
      if (this.#isClosed || !this.#here.has(device)) return true;
      // What was erased before it came is no command any more, and what tells of that is none.
      if (!meta?.erased && !meta?.erases && !meta?.replaces) await this.#send(device, data);
      if (this.#isClosed) return true;
      records.sent(source, device, [epoch, offset]);
    }
    return entries.length < PAGE;
  }

  async #history(channel: string, at: Position | undefined) {
    const { hub } = this.#options;
    try {
      return await hub.history(channel, { limit: PAGE, ...(at && { at }) });
    } catch (error) {
      // The store was replaced by an older copy of it.
      if ((error as { code?: unknown }).code !== 'BAD_POSITION') throw error;
      return hub.history(channel, { limit: PAGE });
    }
  }

  async #send(device: string, data: unknown): Promise<void> {
    let sent: Promise<void>;
    try {
      sent = this.#options.send(device, commandOf(data));
    } catch (error) {
      this.#options.report(toZocaloError(error, device), device);
      return;
    }
    await sent;
  }
}

/** A text is sent as it is, `{ hex: … }` as bytes, and all else as JSON. */
function commandOf(data: unknown): Command {
  if (typeof data === 'string') return data;
  const { hex, ...more } = (data ?? {}) as { hex?: unknown };
  return typeof hex === 'string' && Object.keys(more).length === 0 ? { hex } : JSON.stringify(data);
}
