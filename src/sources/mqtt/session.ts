import type { MqttClient } from 'mqtt';
import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { loadDriver } from '../../optional-package.ts';
import { type ConnectOptions, connect, type StreamSocket, toZocaloError } from '../../stream/index.ts';
import type { BrokerAddress } from './broker-address.ts';

/** Seconds. A broker ends a connection that is silent for one and a half times this. */
const KEEP_ALIVE = 30;
/** Milliseconds that a broker has to accept a connection. */
const CONNECTING = 10_000;
/** Seconds that a broker of MQTT 5 keeps what comes while we are away: a week. */
const EXPIRY = 7 * 86_400;
/** MQTT 5 §3.8.3.1: retained messages are sent with a subscription that is new, and not with each connection. */
const RETAINED_ONCE = 1;
/** MQTT 5 §3.14.2.1. */
const TAKEN_OVER = 0x8e;

export interface BrokerMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** It is what the broker kept for those who subscribe later. */
  readonly retained: boolean;
}

export interface SessionOptions {
  readonly broker: BrokerAddress;
  /** The broker keeps what comes while this client is away. */
  readonly client: string;
  readonly version: 5 | '3.1.1';
  readonly filter: string;
  readonly tls: ConnectOptions;
  readonly clock: Clock;
  /**
   * Messages come one after the other, each when the one before is settled. When it resolves, the message is
   * acknowledged; when it rejects, it is not, and comes again with the next connection. `end`: of this connection.
   */
  readonly onMessage: (message: BrokerMessage, end: AbortSignal) => Promise<void>;
}

interface Driver {
  readonly default: { readonly MqttClient: typeof MqttClient };
}

/** One connection with a broker, in a session that outlives it. */
export class MqttSession {
  readonly #options: SessionOptions;
  readonly #client: MqttClient;
  readonly #over = Promise.withResolvers<void>();
  readonly #end = new AbortController();
  #error: ZocaloError | undefined;
  #isLeaving = false;
  #handling: Promise<void> | undefined;

  private constructor(client: MqttClient, options: SessionOptions) {
    this.#options = options;
    this.#client = client;
    client.on('error', (error) => this.#fail(error));
    client.on('disconnect', ({ reasonCode }) => this.#fail(this.#refusal(reasonOf(reasonCode))));
    client.on('close', () => {
      this.#end.abort();
      this.#over.resolve();
    });
    // The client has this method to be replaced: it acknowledges when `done` is called.
    client.handleMessage = ({ topic, payload, retain }, done) => {
      if (this.#isLeaving) return;
      this.#handling = this.#handle({ topic: String(topic), payload: Buffer.from(payload), retained: retain }).then(
        () => done(),
        () => {}, // It comes again; none behind it is taken, which keeps their order.
      );
    };
  }

  /** @throws ZocaloError DRIVER_MISSING, BROKER_REFUSED, and what `connect` throws. */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<MqttSession> {
    const { broker, tls, clock, version, client } = options;
    const { MqttClient } = ((await loadDriver('mqtt', 'a source with mqtt')) as Driver).default;
    const socket = await connect(broker.url, { ...tls, clock, signal });
    socket.once('end', () => socket.destroy()); // a broker that has ended its side reads nothing more
    const { user, password } = broker;
    const session = new MqttSession(
      new MqttClient(() => socket as StreamSocket, {
        clientId: client,
        protocolVersion: version === 5 ? 5 : 4,
        clean: false,
        ...(version === 5 && { properties: { sessionExpiryInterval: EXPIRY } }),
        ...(user !== undefined && { username: user }),
        ...(password !== undefined && { password }),
        keepalive: KEEP_ALIVE,
        connectTimeout: CONNECTING,
        reconnectPeriod: 0,
        resubscribe: false,
        queueQoSZero: false,
      }),
      options,
    );
    try {
      await session.#subscribed(signal);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /** Resolves when the connection is over. @throws ZocaloError why, unless it was closed from here. */
  async over(): Promise<void> {
    await this.#over.promise;
    if (this.#isLeaving) return;
    const advice = 'it is connected again; if this goes on, another client may have the same name: see `client`';
    throw this.#error ?? new ZocaloError('CONNECTION_RESET', `${this.#place} ended the connection`, { advice });
  }

  /** Resolves when the broker has it. @throws ZocaloError. */
  async publish(topic: string, payload: Buffer): Promise<void> {
    const sent = this.#client.publishAsync(topic, payload, { qos: 1 });
    sent.catch(() => {}); // it may fail after the connection
    const over = this.#over.promise.then(() => {
      throw new ZocaloError('CONNECTION_RESET', `${this.#place} is not connected`);
    });
    try {
      await Promise.race([sent, over]);
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** Takes no more; what was taken is settled and acknowledged, for `grace` milliseconds at most. */
  async close(grace: number): Promise<void> {
    this.#isLeaving = true;
    const late = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(grace, late.resolve);
    await Promise.race([this.#handling, late.promise]);
    this.#client.end(false, {}, () => this.destroy());
    await Promise.race([this.#over.promise, late.promise]);
    cancel();
    this.destroy();
  }

  destroy(): void {
    this.#isLeaving = true;
    this.#client.stream.destroy();
    this.#client.end(true);
  }

  async #subscribed(signal: AbortSignal): Promise<void> {
    const { filter, version } = this.#options;
    const client = this.#client;
    const stop = () => this.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const connected = new Promise<void>((resolve) => client.once('connect', () => resolve()));
      await Promise.race([connected, this.over()]);
      const granted = client.subscribeAsync(filter, { qos: 1, ...(version === 5 && { rh: RETAINED_ONCE }) });
      granted.catch(() => {}); // the connection may be over before
      await Promise.race([granted, this.over()]);
      signal.throwIfAborted();
    } catch (error) {
      throw this.#named(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** While a message is being stored nothing is read, and so no answer to a ping: that must not end the connection. */
  async #handle(message: BrokerMessage): Promise<void> {
    const client = this.#client;
    const stop = this.#options.clock.every((KEEP_ALIVE / 2) * 1_000, () => {
      client.sendPing();
      client.reschedulePing(true);
    });
    try {
      await this.#options.onMessage(message, this.#end.signal);
    } finally {
      stop();
      if (client.connected) client.reschedulePing(true);
    }
  }

  #fail(error: unknown): void {
    this.#error ??= this.#named(error);
    this.#client.stream.destroy();
  }

  #named(error: unknown): ZocaloError {
    const { code, packet } = error as { readonly code?: unknown; readonly packet?: unknown };
    if (packet !== undefined) return this.#refusal(`the subscription to ${this.#options.filter}`);
    // The client's errors with a number are answers of the broker.
    return typeof code === 'number' ? this.#refusal((error as Error).message) : toZocaloError(error, this.#place);
  }

  #refusal(what: string): ZocaloError {
    return new ZocaloError('BROKER_REFUSED', `${this.#place} refused: ${what}`);
  }

  get #place(): string {
    return this.#options.broker.place;
  }
}

function reasonOf(code: number | undefined): string {
  if (code === TAKEN_OVER) return 'another client with the same name has connected; each needs its own: see `client`';
  return `it ended the connection with the reason ${code ?? 0}`;
}
