import { ZocaloError } from '../../errors.ts';
import type { DeviceState } from './options.ts';
import { DeviceTally } from './tally.ts';

/** What the registry needs of a connection with a device. */
export interface KnownLine {
  readonly address: string;
  /** Lines are numbered in the order in which they began. */
  readonly number: number;
  /** Resolves when everything that came by it is stored, and it is closed. */
  readonly over: Promise<void>;
  /** Ends it once what has arrived is stored. */
  retire(): void;
  /** Resolves when the system has taken the bytes. */
  write(bytes: Buffer): Promise<void>;
}

interface Device {
  readonly name: string;
  line: KnownLine | undefined;
  lastSeen: number | undefined;
  /** In their order; the first may be on its way. */
  readonly commands: { readonly bytes: Buffer; readonly sent: () => void }[];
  isSending: boolean;
  readonly tally: DeviceTally;
}

export interface RegistryOptions {
  /** How many devices are remembered while they are away. */
  readonly devices: number;
  /** How many commands are kept for each. */
  readonly commands: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onChange: (state: DeviceState) => void;
}

/** The devices of a source: which line each has, and the commands that wait for it. */
export class Registry {
  readonly #options: RegistryOptions;
  /** The one that changed least recently stands first. */
  readonly #devices = new Map<string, Device>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  *states(): IterableIterator<DeviceState> {
    for (const device of this.#devices.values()) yield stateOf(device);
  }

  /**
   * A line has named its device. The older line of the same device is retired: whatever the device was cut off from, it
   * has come again. Resolves when that is over, so that readings stay in order.
   */
  async join(line: KnownLine, name: string): Promise<void> {
    const device = this.#touch(name);
    const before = device.line;
    if (before && before.number > line.number) return line.retire();
    device.line = line;
    device.lastSeen = this.#options.now();
    if (!before) this.#options.onChange(stateOf(device));
    before?.retire();
    await before?.over;
    void this.#send(device);
  }

  seen(name: string, frames: number): void {
    const device = this.#devices.get(name);
    if (!device) return;
    device.lastSeen = this.#options.now();
    device.tally.frames += frames;
  }

  /** A frame of a device, or its reading, was not taken. */
  failed(name: string, error: ZocaloError): void {
    this.#devices.get(name)?.tally.failed(error, this.#options.now());
  }

  leave(line: KnownLine, name: string): void {
    const device = this.#devices.get(name);
    if (device?.line !== line) return;
    device.line = undefined;
    this.#touch(name);
    this.#options.onChange(stateOf(device));
  }

  /**
   * Sends a command now, or when the device is here again, after those before it. Resolves when the system has taken it.
   * @throws ZocaloError COMMANDS_FULL, at once.
   */
  send(name: string, bytes: Buffer): Promise<void> {
    const { devices, commands } = this.#options;
    const waiting = this.#devices.get(name)?.commands.length ?? 0;
    if (waiting >= commands) throw new ZocaloError('COMMANDS_FULL', `${waiting} commands wait for the device ${name}`);
    if (!this.#devices.has(name) && this.#devices.size >= devices && !this.#forget())
      throw new ZocaloError('COMMANDS_FULL', `${devices} devices are remembered, and ${name} is none of them`);
    const device = this.#touch(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    device.commands.push({ bytes, sent: resolve });
    void this.#send(device);
    return promise;
  }

  async #send(device: Device): Promise<void> {
    if (device.isSending) return;
    device.isSending = true;
    for (let [command] = device.commands; command && device.line; [command] = device.commands) {
      const { line } = device;
      try {
        await line.write(command.bytes);
        device.commands.shift();
        command.sent();
      } catch {
        if (device.line === line) break; // it goes on with the next line
      }
    }
    device.isSending = false;
  }

  /** The device, as the one that changed last. */
  #touch(name: string): Device {
    const known = this.#devices.get(name);
    if (known) this.#devices.delete(name);
    else if (this.#devices.size >= this.#options.devices) this.#forget();
    const device = known ?? {
      name,
      line: undefined,
      lastSeen: undefined,
      commands: [],
      isSending: false,
      tally: new DeviceTally(),
    };
    this.#devices.set(name, device);
    return device;
  }

  /** Makes room: the device goes that has been away for longest, and for which nothing waits. False: there is none. */
  #forget(): boolean {
    for (const { name, line, commands } of this.#devices.values())
      if (!line && commands.length === 0) return this.#devices.delete(name);
    return false;
  }
}

function stateOf({ name, line, lastSeen, commands, tally }: Device): DeviceState {
  const { frames, errors, lastError } = tally;
  const here = line !== undefined;
  return { device: name, here, address: line?.address, lastSeen, waiting: commands.length, frames, errors, lastError };
}
