import { createHash, randomUUID } from 'node:crypto';
import { systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import {
  addressList,
  type Command,
  DEVICE_LIMITS,
  type DeviceDescription,
  type DeviceEnvironment,
  type DeviceState,
  DeviceTally,
  type Heard,
  Interpreter,
  noTotals,
  Readings,
  type ReadingsContext,
  Reports,
  type Totals,
} from '../devices/index.ts';
import { HTTP_PRESETS, type HttpCall, type HttpPreset } from '../presets/index.ts';
import { Mailboxes } from './mailboxes.ts';

/** Milliseconds: a device that asks each minute is here. */
const HERE = 150_000;

export interface PushOptions extends Pick<DeviceDescription, 'channel' | 'data' | 'key' | 'time'> {
  readonly push: keyof typeof HTTP_PRESETS;
  /** The serial numbers of the devices. Nothing else tells them from strangers. */
  readonly ids: readonly string[];
  /** Addresses and networks that may call. Default: all. */
  readonly addresses?: readonly string[];
  /** For logs. Default: the preset's. */
  readonly name?: string;
}

export interface PushCall extends HttpCall {
  /** Of the device, without the port. */
  readonly address: string;
  /** A text whose characters are bytes. */
  readonly body: string;
  /** Nobody waits for the answer any more: what was not stored is not tried again. */
  readonly signal: AbortSignal;
}

export interface PushAnswer {
  readonly status: number;
  readonly text: string;
}

/** Devices that call by HTTP. It has no server: `answer` is called with what came. */
export class PushSource {
  readonly totals: Totals = noTotals();
  readonly name: string;
  readonly #preset: HttpPreset;
  readonly #interpreter: Interpreter;
  readonly #readings: ReadingsContext;
  readonly #reports: Reports;
  readonly #mailboxes: Mailboxes;
  readonly #now: () => number;
  readonly #ids: ReadonlySet<string>;
  readonly #isAddressAllowed: (address: string) => boolean;
  readonly #hasKey: boolean;
  readonly #onDevice: NonNullable<DeviceEnvironment['onDevice']>;
  readonly #seen = new Map<string, { readonly address: string; readonly at: number; readonly tally: DeviceTally }>();

  /** @throws ZocaloError BAD_OPTION for options that cannot work. */
  constructor(options: PushOptions, environment: DeviceEnvironment) {
    const { clock = systemClock, now = Date.now, makeId = randomUUID, report = () => {}, publish } = environment;
    this.#onDevice = environment.onDevice ?? (() => {});
    this.name = options.name ?? options.push;
    this.#preset = HTTP_PRESETS[options.push];
    this.#interpreter = new Interpreter({ ...options, device: '{device}', frame: { kind: 'datagram' } }, now);
    this.#readings = { publish, changes: undefined, totals: this.totals, clock, makeId };
    this.#reports = new Reports(this.name, report, clock);
    this.#mailboxes = new Mailboxes(DEVICE_LIMITS, Math.floor(now() / 1_000));
    this.#now = now;
    this.#ids = new Set(options.ids);
    this.#isAddressAllowed = addressList(options.addresses);
    this.#hasKey = options.key !== undefined;
  }

  /** Whether a path is this kind of device's. */
  takes(path: string): boolean {
    return path.startsWith(this.#preset.path);
  }

  /** Whether a device is one of this source's. */
  knows(call: HttpCall): boolean {
    const device = this.#preset.deviceOf(call);
    return device !== undefined && this.#ids.has(device);
  }

  /** Those that have called, and those for which commands wait. */
  get devices(): DeviceState[] {
    return [...this.#ids].flatMap((device) => {
      const [seen, waiting] = [this.#seen.get(device), this.#mailboxes.waiting(device)];
      if (!seen && waiting === 0) return [];
      const here = seen !== undefined && this.#now() - seen.at < HERE;
      return [this.#stateOf(device, here, waiting)];
    });
  }

  /**
   * Keeps a command until the device has said how it went: `REBOOT`, for example. Resolves then.
   * @throws ZocaloError COMMANDS_FULL, DEVICE_REFUSED, FRAME_NOT_ENCODED.
   */
  send(device: string, command: Command): Promise<void> {
    if (!this.#ids.has(device)) throw new ZocaloError('DEVICE_REFUSED', `the device ${device} is not on the list`);
    if (typeof command !== 'string' || /[\r\n]/.test(command) || command === '')
      throw new ZocaloError('FRAME_NOT_ENCODED', 'a command for this kind of device is a text of one line');
    return this.#mailboxes.put(device, command);
  }

  /** Resolves when what the call brought is stored. @throws the reason of the call's signal. */
  async answer(call: PushCall): Promise<PushAnswer> {
    const { path, query, address, body } = call;
    const device = this.#preset.deviceOf(call);
    if (device === undefined || !this.#ids.has(device) || !this.#isAddressAllowed(address)) {
      const who = device === undefined ? 'a device without a name' : `the device ${device}`;
      this.#refuse(new ZocaloError('DEVICE_REFUSED', `${who} at ${address} is not on the list`), address);
      return { status: 403, text: 'not on the list\n' };
    }
    this.#see(device, address);
    switch (this.#preset.topicOf(call)) {
      case 'hello':
        return { status: 200, text: this.#preset.hello(device) };
      case 'records': {
        const records = this.#preset.decode(query, body);
        await this.#store(records, device, call);
        return { status: 200, text: this.#preset.reply(query, records.length) };
      }
      case 'commands':
        return { status: 200, text: this.#preset.commands(this.#mailboxes.take(device, this.#now())) };
      case 'results':
        for (const { id, failure } of this.#preset.resultsOf(body)) {
          const command = this.#mailboxes.settle(device, id);
          if (!command || failure === undefined) continue;
          const happened = `the device ${device} did not do ${JSON.stringify(command.text)}: ${failure}`;
          this.#tell(new ZocaloError('COMMAND_FAILED', happened), address, device);
        }
        return { status: 200, text: 'OK' };
      case 'other':
        return { status: 200, text: 'OK' };
      case undefined:
        this.#refuse(new ZocaloError('FRAME_NOT_DECODED', `${path} is not a known call`), address, device);
        return { status: 404, text: 'unknown\n' };
    }
  }

  /** A device is told of when it calls for the first time. */
  #see(device: string, address: string): void {
    const before = this.#seen.get(device);
    this.#seen.set(device, { address, at: this.#now(), tally: before?.tally ?? new DeviceTally() });
    if (!before) this.#onDevice(this.#stateOf(device, true, this.#mailboxes.waiting(device)));
  }

  #stateOf(device: string, here: boolean, waiting: number): DeviceState {
    const { address, at, tally } = this.#seen.get(device) ?? {};
    const { frames = 0, errors = 0, lastError } = tally ?? {};
    return { device, here, address: here ? address : undefined, lastSeen: at, waiting, frames, errors, lastError };
  }

  /** What cannot be read or is never taken is reported, and counts as taken: the device would repeat it for ever. */
  async #store(
    records: readonly (Readonly<Record<string, string>> | ZocaloError)[],
    device: string,
    { address, signal }: PushCall,
  ): Promise<void> {
    const heard: Heard[] = [];
    for (const record of records) {
      this.totals.frames++;
      const tally = this.#seen.get(device)?.tally;
      if (tally) tally.frames++;
      const said = record instanceof ZocaloError ? record : this.#interpreter.take(record, { address, device });
      const error = said instanceof ZocaloError ? said : said.reading;
      if (error instanceof ZocaloError) this.#refuse(error, address, device);
      else heard.push(this.#keyed(said as Heard, record));
    }
    const readings = new Readings(this.#readings, {
      signal,
      onFailure: (error, isFinal) =>
        isFinal ? this.#refuse(error, address, device) : this.#tell(error, address, device),
    });
    await readings.store(heard);
  }

  /** The same record again, since its answer was lost, is stored once. */
  #keyed(said: Heard, record: object): Heard {
    const { reading } = said;
    if (this.#hasKey || reading === undefined || reading instanceof ZocaloError) return said;
    const key = createHash('sha256').update(JSON.stringify(record)).digest('base64url');
    return { ...said, reading: { ...reading, key } };
  }

  #refuse(error: ZocaloError, address: string, device?: string): void {
    this.totals.refused++;
    if (device !== undefined) this.#seen.get(device)?.tally.failed(error, this.#now());
    this.#tell(error, address, device);
  }

  #tell(error: ZocaloError, address: string, device?: string): void {
    this.#reports.tell(error, { host: address, address, ...(device !== undefined && { device }) });
  }
}
