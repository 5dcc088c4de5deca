import { readFile } from 'node:fs/promises';
import { ZocaloError } from '../../errors.ts';
import type {
  About,
  AskFunction,
  Command,
  DeviceEnvironment,
  DeviceOptions,
  DeviceState,
  MqttOptions,
  PushOptions,
  PushSource,
  Totals,
} from '../../sources/index.ts';
import type { TlsIdentity } from '../../websocket/index.ts';
import type { DeviceConfig, MqttConfig, PushConfig } from '../config/index.ts';
import { Certificates } from '../tls/index.ts';
import { DecodeProgram } from './decode-program.ts';
import { DeviceCommands } from './device-commands.ts';
import { DeviceStates } from './device-states.ts';
import { Opening } from './opening.ts';
import {
  CONNECTIONS,
  FAILURES,
  type Source,
  type SourceDetails,
  type SourceMetric,
  type SourceParts,
  UP,
} from './source.ts';

const METRICS: readonly (SourceMetric & { readonly read: keyof Totals })[] = [
  ['frames_total', 'counter', 'Frames that devices have sent.', 'frames'],
  ['readings_total', 'counter', 'Readings that were published.', 'published'],
  ['readings_waiting', 'gauge', 'Readings that the log has not taken yet.', 'waiting'],
  [
    'readings_unchanged_total',
    'counter',
    'Readings that were left out, since they say what the one before said.',
    'unchanged',
  ],
  [
    'refused_total',
    'counter',
    'Frames and readings that were not taken, and connections that were refused.',
    'refused',
  ],
  ['skipped_bytes_total', 'counter', 'Bytes that belong to no frame.', 'skipped'],
  ['dropped_total', 'counter', 'Datagrams that came faster than they could be stored.', 'dropped'],
].map(([name, kind, help, read]) => ({ name: `zocalo_source_${name}`, kind, help, read }) as never);

/** What the floor has of each kind. */
interface FloorSource {
  readonly totals: Totals;
  readonly devices: readonly DeviceState[];
  readonly addresses?: readonly string[];
  open?(): void | Promise<void>;
  renewCertificate?(identity: TlsIdentity): void;
  send(device: string, command: Command): Promise<void>;
  close?(options: { readonly grace: number }): Promise<void>;
}

/** Milliseconds that a program has to end: what it was asked is stored by then, or given up. */
const PROGRAM_GRACE = 1_000;

type AnyConfig = DeviceConfig | MqttConfig | PushConfig;

/** Devices that connect or that are dialled, that a broker speaks for, or that call by HTTP. */
export class Devices implements Source {
  readonly place: string;
  readonly #name: string;
  readonly #config: AnyConfig;
  readonly #parts: SourceParts;
  readonly #floor: typeof import('../../sources/index.ts');
  #source: FloorSource | undefined;
  #commands: DeviceCommands | undefined;
  #states: DeviceStates | undefined;
  readonly #program: DecodeProgram | undefined;
  /** Of `listen: tls://`. */
  #certificates: Certificates | undefined;
  readonly #opening: Opening;
  /** Why a device could not be dialled, or was lost. */
  #trouble: ZocaloError | undefined;
  #failures = 0;
  /** What was told last. */
  #told: ZocaloError | undefined;

  constructor(name: string, config: AnyConfig, parts: SourceParts, floor: typeof import('../../sources/index.ts')) {
    this.place = placeOf(config, floor);
    this.#name = name;
    this.#config = config;
    this.#parts = parts;
    this.#floor = floor;
    const { decode } = config as Partial<DeviceConfig>;
    this.#program = decode && 'program' in decode ? new DecodeProgram(name, decode, parts) : undefined;
    this.#opening = new Opening({ ...parts, source: name, place: this.place, open: () => this.#open() });
  }

  /** What answers calls by HTTP, once it is open. */
  get push(): PushSource | undefined {
    return 'push' in this.#config ? (this.#source as PushSource | undefined) : undefined;
  }

  /** Where it listens, with the actual port. */
  get addresses(): readonly string[] {
    return this.#source?.addresses ?? [];
  }

  start(): Promise<void> {
    return this.#opening.start();
  }

  async close(grace: number): Promise<void> {
    await this.#opening.stop();
    this.#commands?.close();
    this.#certificates?.close();
    await this.#source?.close?.({ grace });
    await this.#states?.close();
    await this.#program?.close(PROGRAM_GRACE);
  }

  health(): ReturnType<Source['health']> {
    const { lines = 0, waiting = 0 } = this.#source?.totals ?? {};
    const error = this.#opening.error ?? this.#program?.error ?? this.#trouble;
    return { ok: this.#works, error: this.#works ? undefined : error?.code, connections: lines, waiting };
  }

  details(): SourceDetails {
    const { frames = 0, published = 0, refused = 0 } = this.#source?.totals ?? {};
    const error = this.#opening.error ?? this.#program?.error ?? this.#told;
    const failures = this.#opening.failures + this.#failures;
    return {
      kind: kindOf(this.#config),
      place: this.place,
      message: error?.happened,
      failures,
      frames,
      published,
      refused,
    };
  }

  get devices(): readonly DeviceState[] {
    return this.#source?.devices ?? [];
  }

  *measures(): Iterable<readonly [SourceMetric, number]> {
    yield [UP, this.#works ? 1 : 0];
    yield [FAILURES, this.#opening.failures + this.#failures];
    if (!this.#source) return;
    const { totals } = this.#source;
    yield [CONNECTIONS, totals.lines];
    for (const metric of METRICS) yield [metric, totals[metric.read]];
  }

  /** A device or a broker that is to be dialled is there or not; who listens waits for them. */
  get #works(): boolean {
    if (!this.#opening.isOpen || this.#program?.error) return false;
    return !this.#dials || this.#source!.totals.lines > 0;
  }

  get #dials(): boolean {
    return !('push' in this.#config) && !('listen' in this.#config && this.#config.listen !== undefined);
  }

  async #open(): Promise<readonly string[]> {
    await this.#program?.open();
    const source = await this.#make();
    await source.open?.();
    this.#source = source;
    return source.addresses ?? [];
  }

  async #make(): Promise<FloorSource> {
    const { hub, clock, now, random } = this.#parts;
    const program = this.#program;
    const { tls, commands, state, topic, ...config } = this.#config as AnyConfig & Shared;
    const options = {
      ...definedOf(config),
      name: this.#name,
      ...(program && { decode: { kind: 'ask', ask: (...asked: Parameters<AskFunction>) => program.ask(...asked) } }),
      ...(tls && { tls: await this.#pemOf(tls) }),
      ...(topic !== undefined && { commands: topic }),
    };
    const source = this.#newSource(options, {
      publish: (channel, data, { key }) => hub.publish(channel, data, { key }),
      report: (error, about) => this.#report(error, about),
      onDevice: (device) => {
        this.#states?.changed(device);
        if (device.here) this.#commands?.came(device.device);
        else this.#commands?.went(device.device);
      },
      clock,
      now,
      random,
    });
    if (state !== undefined) this.#states ??= this.#newStates(state);
    this.#commands?.close();
    this.#commands = commands === undefined ? undefined : await this.#newCommands(commands, source);
    return source;
  }

  #newSource(options: object, environment: DeviceEnvironment): FloorSource {
    const { DeviceSource, MqttSource, PushSource } = this.#floor;
    if ('mqtt' in this.#config) return new MqttSource(options as MqttOptions, environment);
    if ('push' in this.#config) return new PushSource(options as PushOptions, environment);
    return new DeviceSource(options as DeviceOptions, environment);
  }

  #newStates(channel: string): DeviceStates {
    const { hub, records, clock } = this.#parts;
    const states = new DeviceStates({
      source: this.#name,
      channelOf: this.#channelOf(channel),
      hub,
      records,
      clock,
      report: (error, device) => this.#report(error, { source: this.#name, device, omitted: 0 }),
    });
    states.open();
    return states;
  }

  async #newCommands(channel: string, source: FloorSource): Promise<DeviceCommands> {
    const { hub, records, clock, log } = this.#parts;
    const name = this.#name;
    const commands = new DeviceCommands({
      source: name,
      channel,
      channelOf: this.#channelOf(channel),
      hub,
      records,
      clock,
      always: 'mqtt' in this.#config,
      send: (device, command) => source.send(device, command),
      report: (error, device) => this.#report(error, { source: name, device, omitted: 0 }),
      onLost: (device, channel) => {
        const fields = { source: name, device, channel };
        log.write('warn', `source ${name} lost`, fields, 'commands were never sent: the log no longer has them');
      },
    });
    await commands.open();
    return commands;
  }

  /** The files of a port are watched; others are read when the source opens. @throws ZocaloError BAD_CERTIFICATE. */
  async #pemOf({ cert, key, ca }: Files): Promise<TlsIdentity> {
    const isPort = 'listen' in this.#config && this.#config.listen !== undefined;
    if (!isPort || cert === undefined || key === undefined) return pemOf({ cert, key, ca });
    const { programLog, clock, now } = this.#parts;
    this.#certificates?.close();
    this.#certificates = new Certificates([{ cert, key, ca, names: [] }], { log: programLog, clock, now });
    this.#certificates.onRenewed = (identity) => this.#source?.renewCertificate?.(identity);
    await this.#certificates.open();
    const { SNICallback: _, ...identity } = this.#certificates.tls;
    return identity;
  }

  #channelOf(template: string): (device: string) => string | undefined {
    const fill = this.#floor.channelTemplate(template);
    return (device) => {
      const channel = fill({ device });
      return typeof channel === 'string' ? channel : undefined;
    };
  }

  #report(err: ZocaloError, { omitted, ...about }: About): void {
    this.#failures += 1 + omitted;
    this.#told = err;
    if (this.#dials) this.#trouble = err;
    const fields = { ...about, err, ...(omitted > 0 && { omitted }) };
    this.#parts.log.write('warn', `source ${this.#name} ${err.code}`, fields, 'trouble with a device');
  }
}

type Files = NonNullable<DeviceConfig['tls']>;
type Shared = Partial<Pick<DeviceConfig, 'tls' | 'commands' | 'state'> & Pick<MqttConfig, 'topic'>>;

function kindOf(config: AnyConfig): SourceDetails['kind'] {
  const kinds = ['listen', 'dial', 'file', 'mqtt', 'push'] as const;
  return kinds.find((kind) => (config as { readonly [kind: string]: unknown })[kind] !== undefined)!;
}

/** Two sources of one kind that calls by HTTP may be there: each has devices of its own. */
function placeOf(config: AnyConfig, { parseBroker }: typeof import('../../sources/index.ts')): string {
  if ('push' in config) return `${config.push} ${config.ids.join(' ')}`;
  if ('mqtt' in config) return parseBroker(config.mqtt).place;
  return (config.listen ?? config.dial ?? config.file)!;
}

type Defined<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

function definedOf<T extends object>(config: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>;
}

/** @throws ZocaloError BAD_CERTIFICATE, which names the file. */
async function pemOf(files: Files): Promise<Record<string, string>> {
  const read = async (file: string) => {
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      const happened = `the file ${file} cannot be read: ${(cause as Error).message}`;
      throw new ZocaloError('BAD_CERTIFICATE', happened, { cause });
    }
  };
  const entries = Object.entries(definedOf(files)).map(async ([name, file]) => [name, await read(file)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
