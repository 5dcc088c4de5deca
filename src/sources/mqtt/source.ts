import { randomUUID } from 'node:crypto';
import { systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { ConnectOptions } from '../../stream/index.ts';
import { Changes, type Template, textTemplate } from '../decoding/index.ts';
import {
  type Command,
  commandBytes,
  DEVICE_LIMITS,
  type DeviceDescription,
  type DeviceEnvironment,
  type DeviceState,
  DeviceTally,
  Dialer,
  type Heard,
  Interpreter,
  noTotals,
  Readings,
  type ReadingsContext,
  Reports,
  type Totals,
} from '../devices/index.ts';
import { type BrokerAddress, parseBroker } from './broker-address.ts';
import { type BrokerMessage, MqttSession } from './session.ts';
import { TopicPattern } from './topic.ts';

/** Milliseconds that what was taken has to be stored when the source closes. */
const GRACE = 5_000;

export interface MqttOptions extends Omit<DeviceDescription, 'frame' | 'reply'> {
  /**
   * Broker and topic: `mqtt://user:password@host:1883/sensors/{device}/#`, with `mqtts:` by TLS. Templates have the
   * named levels, `topic`, and `retained`.
   */
  readonly mqtt: string;
  /** For logs. Default: the broker's address. */
  readonly name?: string;
  /** The name of this client at the broker: of one daemon only. Default: `zocalo-` and `name`. */
  readonly client?: string;
  /** Default: 5. */
  readonly version?: 5 | '3.1.1';
  /** A template of the topic of commands: `sensors/{device}/set`. Default: there are no commands. */
  readonly commands?: string;
  /** Names that devices may have. Default: all. */
  readonly ids?: readonly string[];
  readonly tls?: Pick<ConnectOptions, 'cert' | 'key' | 'ca' | 'servername' | 'rejectUnauthorized'>;
}

/**
 * Topics of a broker: each message becomes a publication, and is acknowledged when it is stored. What comes while we
 * are away, the broker keeps. So a message is published at least once: with `key`, once.
 */
export class MqttSource {
  readonly totals: Totals = noTotals();
  readonly name: string;
  readonly #options: MqttOptions;
  readonly #broker: BrokerAddress;
  readonly #topic: TopicPattern;
  readonly #interpreter: Interpreter;
  readonly #isAllowed: (device: string | undefined) => boolean;
  readonly #readings: ReadingsContext;
  readonly #reports: Reports;
  readonly #commandTopic: Template<string> | undefined;
  readonly #dialer: Dialer<MqttSession>;
  /** In their order; the first may be on its way. */
  readonly #commands: { readonly topic: string; readonly payload: Buffer; readonly sent: () => void }[] = [];
  /** Devices that have been heard, the newest last. */
  readonly #heard = new Map<string, { lastSeen: number; readonly tally: DeviceTally }>();
  readonly #now: () => number;
  readonly #onDevice: NonNullable<DeviceEnvironment['onDevice']>;
  #session: MqttSession | undefined;

  /** @throws ZocaloError BAD_OPTION, BAD_ADDRESS for options that cannot work. */
  constructor(options: MqttOptions, environment: DeviceEnvironment) {
    const { clock = systemClock, now = Date.now, random = Math.random, makeId = randomUUID } = environment;
    const { report = () => {}, onDevice = () => {}, publish } = environment;
    const ids = options.ids && new Set(options.ids);
    this.#broker = parseBroker(options.mqtt);
    this.#topic = new TopicPattern(this.#broker.topic);
    this.name = options.name ?? this.#broker.place;
    this.#onDevice = onDevice;
    this.#now = now;
    this.#options = options;
    const named = this.#topic.names.includes('device') ? { device: '{device}' } : {};
    this.#interpreter = new Interpreter({ ...named, ...options, frame: { kind: 'datagram' } }, now);
    this.#isAllowed = (device) => !ids || (device !== undefined && ids.has(device));
    const changes = options.only === 'changed' ? new Changes() : undefined;
    this.#readings = { publish, changes, totals: this.totals, clock, makeId };
    this.#reports = new Reports(this.name, report, clock);
    this.#commandTopic = options.commands === undefined ? undefined : textTemplate(options.commands);
    this.#dialer = new Dialer({
      address: this.#broker.place,
      open: (signal) => this.#connect(signal),
      serve: (session) => this.#serve(session),
      onFailure: (error) => this.#reports.tell(error, { address: this.#broker.place }),
      clock,
      random,
    });
  }

  /** Whether a broker is connected. */
  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  /** The devices that have been heard. Nobody knows whether they are here: the broker is, or not. */
  get devices(): DeviceState[] {
    return [...this.#heard.keys()].map((device) => this.#stateOf(device));
  }

  /** Begins to connect. A broker that cannot be reached is reported and tried again. */
  open(): void {
    this.#dialer.start();
  }

  /**
   * Publishes a command to a device's topic: now, or in its order when the broker is connected again. Resolves when the
   * broker has it.
   * @throws ZocaloError BAD_OPTION without the option `commands`; COMMANDS_FULL, FRAME_NOT_ENCODED.
   */
  send(device: string, command: Command): Promise<void> {
    const topic = this.#commandTopic?.({ device });
    if (topic === undefined)
      throw new ZocaloError('BAD_OPTION', `the source ${this.name} has no topic for commands`, {
        advice: 'give it the option `commands`, for example sensors/{device}/set',
      });
    if (topic instanceof ZocaloError) throw topic;
    // A name must not make another topic of it.
    if (/[/+#\0]/.test(device))
      throw new ZocaloError('FRAME_NOT_ENCODED', `${JSON.stringify(device)} cannot be a level of a topic`);
    if (this.#commands.length >= DEVICE_LIMITS.commands)
      throw new ZocaloError('COMMANDS_FULL', `${this.#commands.length} commands wait for ${this.#broker.place}`);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#commands.push({ topic, payload: Buffer.from(commandBytes(command)), sent: resolve });
    if (this.#session && this.#commands.length === 1) void this.#sendCommands(this.#session);
    return promise;
  }

  /** Takes no more; what was taken is stored and acknowledged, for `grace` milliseconds at most. */
  async close({ grace = GRACE }: { readonly grace?: number } = {}): Promise<void> {
    const stopped = this.#dialer.stop();
    await this.#session?.close(grace);
    await stopped;
  }

  #connect(signal: AbortSignal): Promise<MqttSession> {
    const { client = `zocalo-${this.name}`, version = 5, tls = {} } = this.#options;
    let readings: Readings | undefined;
    return MqttSession.open(
      {
        broker: this.#broker,
        client,
        version,
        filter: this.#topic.filter,
        tls,
        clock: this.#readings.clock,
        onMessage: async (message, end) => {
          readings ??= new Readings(this.#readings, {
            signal: end,
            onFailure: (error, isFinal) => (isFinal ? this.#refuse(error) : this.#tell(error)),
          });
          await this.#take(message, readings, end);
        },
      },
      signal,
    );
  }

  async #serve(session: MqttSession): Promise<boolean> {
    const before = this.totals.frames;
    this.#session = session;
    this.totals.lines = 1;
    void this.#sendCommands(session);
    try {
      await session.over();
    } catch (error) {
      this.#tell(error as ZocaloError);
    } finally {
      this.#session = undefined;
      this.totals.lines = 0;
    }
    return this.totals.frames > before; // two clients with one name end each other’s connections
  }

  /** What cannot be read is reported and acknowledged: it would come again for ever. */
  async #take({ topic, payload, retained }: BrokerMessage, readings: Readings, end: AbortSignal): Promise<void> {
    this.totals.frames++;
    const fields = { ...this.#topic.fieldsOf(topic), topic, retained };
    const sender = { address: this.#broker.host, device: undefined, fields };
    const said = await this.#interpreter.read(payload, sender, end);
    if (said instanceof ZocaloError) this.#refuse(said, topic);
    else await readings.store(said.filter((one) => this.#admit(one, topic)));
  }

  #admit({ device, reading }: Heard, topic: string): boolean {
    if (!this.#isAllowed(device)) {
      const who = device === undefined ? 'a device without a name' : `the device ${device}`;
      this.#refuse(new ZocaloError('DEVICE_REFUSED', `${who} is not on the list`), topic);
      return false;
    }
    if (device !== undefined) this.#meet(device);
    if (!(reading instanceof ZocaloError)) return true;
    this.#refuse(reading, topic);
    if (device !== undefined) this.#heard.get(device)?.tally.failed(reading, this.#now());
    return false;
  }

  /** A device is told of when it is heard for the first time. Nobody knows when it is away. */
  #meet(device: string): void {
    const known = this.#heard.get(device);
    const tally = known?.tally ?? new DeviceTally();
    tally.frames++;
    this.#heard.set(device, { lastSeen: this.#now(), tally });
    if (known) return;
    if (this.#heard.size > DEVICE_LIMITS.devices) this.#heard.delete(this.#heard.keys().next().value!);
    this.#onDevice({ ...this.#stateOf(device), here: true, lastSeen: undefined });
  }

  #stateOf(device: string): DeviceState {
    const { lastSeen, tally } = this.#heard.get(device)!;
    const { frames, errors, lastError } = tally;
    const here = this.isConnected;
    return { device, here, address: this.#broker.place, lastSeen, waiting: 0, frames, errors, lastError };
  }

  async #sendCommands(session: MqttSession): Promise<void> {
    try {
      for (let [first] = this.#commands; first && this.#session === session; [first] = this.#commands) {
        await session.publish(first.topic, first.payload);
        this.#commands.shift();
        first.sent();
      }
    } catch (error) {
      this.#tell(error as ZocaloError); // it goes on with the next connection
    }
  }

  #refuse(error: ZocaloError, topic?: string): void {
    this.totals.refused++;
    this.#tell(error, topic);
  }

  #tell(error: ZocaloError, topic?: string): void {
    const { place } = this.#broker;
    this.#reports.tell(error, topic === undefined ? { address: place } : { host: topic, address: `${place}/${topic}` });
  }
}
