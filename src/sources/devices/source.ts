import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import {
  connect,
  listen,
  parseAddress,
  type StreamIdentity,
  type StreamServer,
  type StreamSocket,
} from '../../stream/index.ts';
import { Changes } from '../decoding/index.ts';
import { type FrameDescription, type Framer, framerFactory } from '../framing/index.ts';
import { addressList } from './allowed.ts';
import { type Command, commandBytes } from './command.ts';
import { Dialer } from './dialer.ts';
import { openFile } from './file.ts';
import { Interpreter, presetOf } from './interpreter.ts';
import { DeviceLine, hostOf, type LineContext } from './line.ts';
import {
  DEVICE_LIMITS,
  type DeviceEnvironment,
  type DeviceLimits,
  type DeviceOptions,
  type DeviceState,
} from './options.ts';
import { pollOf } from './poller.ts';
import { Registry } from './registry.ts';
import { Reports } from './reports.ts';
import { noTotals, type Totals } from './totals.ts';

/** Milliseconds that lines have to store what they have read when the source closes. */
const GRACE = 5_000;
/** UDP's peers beyond the limit on connections, so that a new one can take the place of one that says nothing. */
const SPARE_PEERS = 16;

/**
 * Devices of one kind at one address: what they send becomes publications, in the order of each device, and commands
 * reach them.
 *
 * @example
 * const doors = new DeviceSource(
 *   { listen: 'tcp://0.0.0.0:5010', frame: 'anviz', channel: 'door:{device}' },
 *   { publish: (channel, data, options) => hub.publish(channel, data, options) },
 * );
 * await doors.open();
 */
export class DeviceSource {
  readonly totals: Totals = noTotals();
  readonly name: string;
  readonly #options: DeviceOptions;
  readonly #limits: DeviceLimits;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #context: LineContext;
  readonly #registry: Registry;
  readonly #reports: Reports;
  readonly #encoder: Framer;
  readonly #isAllowed: (host: string) => boolean;
  readonly #lines = new Set<DeviceLine>();
  /** Lines that have not sent a good frame yet, the oldest first. */
  readonly #strangers = new Set<DeviceLine>();
  #server: StreamServer | undefined;
  #dialer: Dialer<StreamSocket> | undefined;
  #count = 0;

  /** @throws ZocaloError BAD_OPTION, BAD_ADDRESS for options that cannot work. */
  constructor(options: DeviceOptions, environment: DeviceEnvironment) {
    const { clock = systemClock, now = Date.now, random = Math.random, makeId = randomUUID } = environment;
    const { report = () => {}, onDevice = () => {} } = environment;
    const address = addressOf(options);
    const description =
      options.listen === undefined ? { device: presetOf(options)?.device ?? '{address}', ...options } : options;
    const isDatagram = options.file === undefined && parseAddress(address).scheme === 'udp';
    const framer = framerFactory(frameOf(options, isDatagram));
    const ids = options.ids && new Set(options.ids);
    this.name = options.name ?? address;
    this.#options = options;
    this.#limits = { ...DEVICE_LIMITS, ...definedOf(options) };
    this.#clock = clock;
    this.#random = random;
    this.#reports = new Reports(this.name, report, clock);
    this.#registry = new Registry({ ...this.#limits, now, onChange: onDevice });
    this.#isAllowed = addressList(options.addresses);
    this.#encoder = framer({ clock, report: () => {} });
    this.#context = {
      interpreter: new Interpreter(description, now),
      framer,
      publish: environment.publish,
      registry: this.#registry,
      changes: options.only === 'changed' ? new Changes() : undefined,
      isAllowed: (device) => !ids || (device !== undefined && ids.has(device)),
      reports: this.#reports,
      totals: this.totals,
      clock,
      limits: this.#limits,
      makeId,
      poll: options.poll && pollOf(options.poll, (command) => this.#encoded(command)),
      onFrame: (line) => this.#strangers.delete(line),
    };
  }

  /** Where it listens, with the actual port. */
  get addresses(): readonly string[] {
    return this.#server?.addresses ?? [];
  }

  /** The devices that are here, and those that are remembered. */
  get devices(): DeviceState[] {
    return [...this.#registry.states()];
  }

  /**
   * Listens, or begins to call the device or to open its file: what cannot be reached is reported and tried again.
   * @throws ZocaloError as `listen` does.
   */
  async open(): Promise<void> {
    const { dial, file, listen: url, tls } = this.#options;
    const clock = this.#clock;
    if (url === undefined) {
      const address = (dial ?? file)!;
      this.#dialer = new Dialer({
        address,
        open: (signal) =>
          dial === undefined ? openFile(file!, { clock, signal }) : connect(dial, { ...tls, clock, signal }),
        clock,
        random: this.#random,
        serve: async (socket) => {
          const before = this.totals.frames;
          await this.#serve(socket);
          return this.totals.frames > before;
        },
        onFailure: (error) => this.#reports.tell(error, { address }),
      });
      this.#dialer.start();
      return;
    }
    const peerLimit = this.#limits.connections + SPARE_PEERS;
    this.#server = await listen(url, { ...tls, clock, peerLimit });
    void this.#accept(this.#server);
  }

  /**
   * Sends a command to a device: now, or in its order when the device is here again. Resolves when the system has taken
   * it, which does not mean that the device has; it never does if the source closes before.
   * @throws ZocaloError FRAME_NOT_ENCODED, BAD_OPTION, COMMANDS_FULL, at once.
   */
  send(device: string, command: Command): Promise<void> {
    return this.#registry.send(device, this.#encoded(command));
  }

  /**
   * Where it listens on `tls://`: uses another certificate for new connections.
   * @throws ZocaloError BAD_CERTIFICATE; then the old one stays.
   */
  renewCertificate(identity: StreamIdentity): void {
    this.#server?.renewCertificate(identity);
  }

  /** Takes no more; what has arrived is stored and answered, for `grace` milliseconds at most. */
  async close({ grace = GRACE }: { readonly grace?: number } = {}): Promise<void> {
    const closed = Promise.all([this.#server?.close({ grace }), this.#dialer?.stop()]);
    const lines = [...this.#lines];
    for (const line of lines) line.retire();
    const late = Promise.withResolvers<void>();
    const cancel = grace > 0 ? this.#clock.after(grace, late.resolve) : late.resolve();
    await Promise.race([Promise.all(lines.map(({ over }) => over)), late.promise]);
    cancel?.();
    for (const line of this.#lines) line.close();
    await this.#server?.close({ grace: 0 });
    await closed;
  }

  #encoded(command: Command): Buffer {
    return this.#encoder.encode(commandBytes(command));
  }

  async #accept(server: StreamServer): Promise<void> {
    for await (const socket of server) {
      const { remoteAddress: address } = socket;
      const host = hostOf(address);
      if (!this.#isAllowed(host)) this.#refuse(socket, `${address} is not on the list of addresses`);
      else if (!this.#hasRoom())
        this.#refuse(socket, `${address} came when ${this.#lines.size} devices were connected, which is the limit`);
      else void this.#serve(socket);
    }
  }

  #hasRoom(): boolean {
    if (this.#lines.size < this.#limits.connections) return true;
    const [stranger] = this.#strangers;
    if (!stranger) return false;
    stranger.close();
    this.#forget(stranger);
    const { address } = stranger;
    const happened = `${address} made room for another one: ${this.#limits.connections} were connected, and it had sent no good frame`;
    this.#tellRefused(happened, address);
    return true;
  }

  #refuse(socket: StreamSocket, happened: string): void {
    const { remoteAddress: address } = socket;
    socket.destroy();
    this.#tellRefused(happened, address);
  }

  #tellRefused(happened: string, address: string): void {
    this.totals.refused++;
    this.#reports.tell(new ZocaloError('DEVICE_REFUSED', happened), { host: hostOf(address), address });
  }

  async #serve(socket: StreamSocket): Promise<void> {
    const line = new DeviceLine(socket, ++this.#count, this.#context);
    this.#lines.add(line);
    this.#strangers.add(line);
    this.totals.lines = this.#lines.size;
    await line.run();
    this.#forget(line);
  }

  #forget(line: DeviceLine): void {
    this.#lines.delete(line);
    this.#strangers.delete(line);
    this.totals.lines = this.#lines.size;
  }
}

function addressOf({ listen, dial, file }: DeviceOptions): string {
  const [address, ...more] = [listen, dial, file].filter((one) => one !== undefined);
  if (address !== undefined && more.length === 0) return address;
  throw new ZocaloError('BAD_OPTION', 'a source of devices has one of `listen`, `dial` and `file`');
}

/** By UDP, a datagram is a frame, or has several; none goes on in the next. */
function frameOf(options: DeviceOptions, isDatagram: boolean): FrameDescription {
  const preset = presetOf(options);
  const frame = preset
    ? ((isDatagram ? preset.datagram : undefined) ?? preset.frame)
    : (options.frame as FrameDescription);
  return isDatagram && frame.kind !== 'datagram' ? { kind: 'datagram', each: frame } : frame;
}

function definedOf(options: DeviceOptions): Partial<DeviceLimits> {
  const given = Object.keys(DEVICE_LIMITS).filter((name) => options[name as keyof DeviceLimits] !== undefined);
  return Object.fromEntries(given.map((name) => [name, options[name as keyof DeviceLimits]]));
}
