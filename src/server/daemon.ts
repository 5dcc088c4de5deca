import { randomBytes } from 'node:crypto';
import { nodeHttp } from '../builtins.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { Hub } from '../hub/index.ts';
import type { TlsIdentity } from '../websocket/index.ts';
import { Admin, AdminSessions } from './admin/index.ts';
import { type Api, createApi, isEvents, type Listener } from './api/index.ts';
import { ApiKeys, Auth } from './auth/index.ts';
import { channelsOf } from './channels.ts';
import type { ApiKeyConfig, Config } from './config/index.ts';
import { HubServer, LineServer, type Traffic } from './hub/index.ts';
import { AddressLimits, ClientAddress, roomFor, SocketBudget } from './limits/index.ts';
import { LocalSocket } from './local-socket.ts';
import {
  Drain,
  guardedClock,
  Health,
  type LevelLog,
  type Log,
  Metrics,
  Probes,
  Refusals,
  refusalsTo,
  SparseLog,
  tracedRequests,
  traceTo,
} from './operations/index.ts';
import { Pages } from './pages.ts';
import { Parts } from './parts.ts';
import type { Prepared } from './prepared.ts';
import { route } from './router.ts';
import { brokerOf, fileBeside } from './store.ts';
import { Certificates } from './tls/index.ts';
import { Webhooks } from './webhooks/index.ts';

/** `configure` is called with what a reload brings. */
export type DaemonLog = Log & Partial<Pick<LevelLog, 'configure'>>;

export interface DaemonOptions {
  readonly log: DaemonLog;
  /** Of the package, for whoever asks. */
  readonly version: string;
  /** How many files this process may have open. Default: no limit. */
  readonly openFiles?: number | undefined;
  readonly clock?: Clock;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  /** Writes everything that clients say and hear, and each refusal, at the level debug. Default false. */
  readonly trace?: boolean;
}

/** What a reload can change; what stands on the rest is built once. */
export const RELOADED: ReadonlySet<string> = new Set<keyof Config>([
  'secret',
  'channels',
  'auth',
  'api',
  'webhooks',
  'tls',
  'drain',
  'log',
]);

/** `zocalo serve`: everything that one configuration says, started in order and stopped in reverse. */
export class Daemon {
  readonly hub: Hub;
  readonly auth: Auth;
  readonly #options: DaemonOptions & Required<Pick<DaemonOptions, 'clock' | 'now'>>;
  readonly #admin: Admin;
  readonly #api: Api;
  readonly #health: Health;
  readonly #handle: Listener;
  readonly #clientAddress: ClientAddress;
  readonly #addressLimits: AddressLimits;
  readonly #budget: SocketBudget | undefined;
  readonly #metrics = new Metrics();
  readonly #refused: Refusals['add'];
  readonly #servers: HubServer[] = [];
  #config: Config;
  #keys: ApiKeys;
  #lines: LineServer | undefined;
  readonly #webhooks: Webhooks;
  #certificates: Certificates;
  readonly #parts = new Parts();
  /** The last one that was asked for: the next one waits for it. */
  #reloading: Promise<void> = Promise.resolve();
  #drain: Drain;

  /** @throws ZocaloError BAD_OPTION, BAD_ADDRESS: nothing is opened yet. */
  constructor(config: Config, options: DaemonOptions) {
    const { log, version, now = Date.now, clock: hands = systemClock } = options;
    // A full disk fails with every publication: its log must not fill it as well.
    const failures = new SparseLog(log, hands);
    const onError = (err: unknown) => {
      failures.write('error', codeOf(err), { err }, 'something failed on the side of the server');
      this.#metrics.failed(err);
    };
    const clock = guardedClock(hands, onError);
    const filled = { ...options, clock, now };
    const clientAddress = new ClientAddress(config.proxies);
    this.#options = filled;
    this.#config = config;
    this.#keys = new ApiKeys(config.api.keys);
    this.auth = new Auth(config, {
      log,
      // Whoever configured no secret gets one for this run: the admin's page needs tokens.
      spareSecret: randomBytes(32).toString('base64url'),
      clock,
      now,
      // A WebSocket's request knows it; what came by plain HTTP is looked at here.
      addressOf: (request) => (request instanceof nodeHttp().IncomingMessage ? clientAddress.of(request) : undefined),
    });
    this.hub = new Hub({
      broker: brokerOf(config.store, config.limits.keys),
      channels: channelsOf(config),
      connect: (visitor) => this.auth.connect(visitor),
      limits: {
        requests: config.limits.messagesPerSecond,
        bytes: config.limits.bytesPerSecond,
        subscriptions: config.limits.subscriptions,
      },
      linger: config.linger,
      pingInterval: config.ping,
      onError,
      clock,
      ...(options.trace && { trace: traceTo(log) }),
    });
    if (options.trace) this.hub.observe(refusalsTo(log));
    const { webhooks, store } = config;
    this.#webhooks = new Webhooks(this.hub, webhooks, { ...filled, file: fileBeside(store, 'webhooks') });
    this.#admin = new Admin(this.hub, { clock, now });
    this.#refused = new Refusals({ log: failures, metrics: this.#metrics, admin: this.#admin }).add;
    const current = () => this.#config;
    const liveConfig = {
      ...config,
      get api() {
        return current().api;
      },
    };
    const findKey = (authorization: string | undefined) => this.#keys.find(authorization);
    this.#addressLimits = new AddressLimits({
      ...config.limits,
      clock,
      isProxy: (address) => clientAddress.isTrusted(address),
    });
    if (options.openFiles !== undefined) {
      const room = roomFor(options.openFiles);
      this.#budget = new SocketBudget(room, () => {
        failures.write('warn', 'files', { room }, 'a connection was cut off: no more files can be open');
        this.#metrics.refused('open_files');
      });
    }
    this.#api = createApi({
      hub: this.hub,
      keys: { find: findKey },
      // As it stands at each request: a reload may have changed it.
      config: liveConfig,
      auth: this.auth,
      clientAddress,
      addressLimits: this.#addressLimits,
      onRefused: this.#refused,
      log: {
        error: (fields, sentence) =>
          failures.write('error', `API ${codeOf((fields as { err?: unknown }).err)}`, fields, sentence),
      },
    });
    const sessions = new AdminSessions({
      findKey,
      mint: (claims) => this.auth.mint(claims),
      samples: () => this.#admin.samples,
      version,
      started: now(),
      onError,
    });
    this.#health = new Health(this.hub, { clock, onDelivered: (seconds) => this.#metrics.delivered(seconds) });
    const probes = new Probes({
      health: this.#health,
      metrics: this.#metrics,
      isDraining: () => this.#drain.isDraining,
      mayRead: (authorization) => findKey(authorization)?.may('read') ?? false,
    });
    const pages = new Pages(config, onError);
    const handle = route([this.#api, probes, ...(config.admin ? [sessions] : []), pages], onError);
    this.#handle = options.trace ? tracedRequests(log, handle) : handle;
    this.#certificates = this.#newCertificates(config);
    this.#clientAddress = clientAddress;
    this.#drain = new Drain({ deadline: config.drain.deadline, log, clock });
  }

  get config(): Config {
    return this.#config;
  }

  /** Where pages, API and WebSockets are. */
  get addresses(): readonly string[] {
    return this.#servers.flatMap(({ addresses }) => addresses.map((address) => address.replace(/^ws/, 'http')));
  }

  /** Where raw lines are taken. */
  get lineAddresses(): readonly string[] {
    return this.#lines?.addresses ?? [];
  }

  /** Opens everything. What fails is thrown when all that was opened is closed again. */
  async start(): Promise<void> {
    const { hub } = this;
    const parts = this.#parts;
    try {
      if (this.#budget) await parts.open('the count of connections', this.#budget);
      await parts.open('the login', this.auth);
      await parts.open('the hub', hub);
      await parts.open('the metrics', {
        open: () => this.#metrics.observe(hub, this),
        close: () => this.#metrics.close(),
      });
      await parts.open('the health check', this.#health);
      await parts.open('the webhooks', {
        open: () => this.#webhooks.open(),
        close: async () => {
          await this.#reloading.catch(() => {}); // whoever asked for it was told
          await this.#webhooks.close();
        },
      });
      await parts.open('the admin page', {
        open: () => this.#admin.start(),
        close: () => this.#admin.stop(),
      });
      await parts.open('the certificates', {
        open: () => this.#config.tls.length > 0 && this.#certificates.open(),
        close: () => this.#certificates.close(), // those of a reload too
      });
      for (const address of [this.#config.listen].flat()) {
        const server = this.#newServer(address);
        this.#servers.push(server);
        await parts.openDoor(
          address,
          () => server.listen(),
          (grace) => server.close({ grace }),
        );
      }
      const { lines } = this.#config;
      if (lines) {
        const ended = new SparseLog(this.#options.log, this.#options.clock);
        this.#lines = new LineServer(hub, {
          ...lines,
          addressLimits: this.#addressLimits,
          onRefused: this.#refused,
          onEnded: (why, address) => ended.write('warn', 'line', { address, why }, 'a raw line connection was ended'),
          clock: this.#options.clock,
        });
        await parts.openDoor(
          lines.listen,
          () => this.#lines?.open(),
          (grace) => this.#lines?.close({ grace }),
        );
      }
      const { socket, keepAlive } = this.#config;
      if (socket !== undefined) {
        const local = new LocalSocket(socket, this.#api.handleLocal, Math.max(1, keepAlive), this.#options.clock);
        await parts.openDoor(
          socket,
          () => local.open(),
          (grace) => local.close(grace),
        );
      }
    } catch (error) {
      await this.#parts.undo();
      throw error;
    }
  }

  /**
   * Lets everybody know when to come back, flushes what was published, and closes everything. True when all that was
   * done within `drain.deadline`.
   */
  stop(): Promise<boolean> {
    return this.#drain.run(this.#parts.steps);
  }

  /** What goes over all sockets. */
  get traffic(): Traffic {
    const sum = { sockets: 0, received: 0, sent: 0, queued: 0, slow: 0 };
    for (const { traffic } of this.#servers)
      for (const name of Object.keys(sum) as (keyof Traffic)[]) sum[name] += traffic[name];
    return sum;
  }

  /**
   * Takes another configuration, all of it or nothing; one after the other when several are asked for at once.
   * @throws ZocaloError BAD_OPTION naming what only a restart can change, and as the parts that refuse it; ABORTED when
   *   the daemon stops.
   */
  reload(config: Config): Promise<void> {
    const before = this.#reloading.catch(() => {}); // whoever asked for it was told
    this.#reloading = before.then(() => this.#reload(config));
    return this.#reloading;
  }

  async #reload(config: Config): Promise<void> {
    if (this.#drain.isDraining) throw new ZocaloError('ABORTED', 'the daemon stops, and takes no configuration');
    const changed = (key: keyof Config) => JSON.stringify(config[key]) !== JSON.stringify(this.#config[key]);
    const fixed = (Object.keys(config) as (keyof Config)[]).filter((key) => !RELOADED.has(key) && changed(key));
    if (fixed.length > 0)
      throw new ZocaloError('BAD_OPTION', `${fixed.join(', ')} cannot change while the daemon runs`, {
        advice: 'nothing was changed: put it back, or restart the daemon',
      });
    const certificates = changed('tls') ? this.#newCertificates(config) : undefined;
    const prepared: Prepared[] = [];
    try {
      await certificates?.open();
      prepared.push(await this.auth.prepare(config));
      prepared.push(await this.#webhooks.prepare(config.webhooks));
      this.hub.setChannels(channelsOf(config)); // all of them or none
    } catch (error) {
      for (const { discard } of prepared) discard();
      certificates?.close();
      throw error;
    }
    // From here on nothing can fail.
    for (const { commit } of prepared) commit();
    const gone = administrators(this.#config).filter((key) => !administrators(config).some(isSame(key)));
    this.#keys = new ApiKeys(config.api.keys);
    if (certificates) {
      this.#certificates.close();
      this.#certificates = certificates;
      if (config.tls.length > 0) this.#showCertificate(certificates.tls);
    }
    this.#config = config;
    this.#options.log.configure?.(config.log);
    for (const server of this.#servers) server.spread = config.drain.spread;
    if (!this.#drain.isDraining) this.#drain = new Drain({ ...this.#options, deadline: config.drain.deadline });
    for (const { name } of gone) this.#seeOff(AdminSessions.userOf(name));
  }

  /** Their key is gone, and with it goes what they got for it. */
  #seeOff(user: string): void {
    try {
      this.auth.revoke(user);
    } catch (err) {
      this.#options.log.error({ err }, 'the tokens of an administrator whose key is gone could not be revoked');
    }
    for (const connection of this.hub.user(user).connections) connection.end('UNAUTHORIZED', 'your key is gone');
  }

  #newCertificates({ tls }: Config): Certificates {
    const certificates = new Certificates(tls, this.#options);
    certificates.onRenewed = (identity) => this.#showCertificate(identity);
    return certificates;
  }

  #showCertificate(identity: TlsIdentity): void {
    for (const server of this.#servers) server.renewCertificate(identity);
  }

  #newServer(address: string): HubServer {
    const { origins, hosts, limits, keepAlive, drain, tls } = this.#config;
    return new HubServer(this.hub, address.replace(/^http/, 'ws'), {
      origins,
      hosts,
      maxConnections: limits.connections,
      maxMessage: limits.maxMessage,
      queueLimit: limits.queue,
      keepAliveTimeout: Math.max(1, keepAlive), // to Node, 0 is for ever
      spread: drain.spread,
      clientAddress: (request) => this.#clientAddress.of(request),
      addressLimits: this.#addressLimits,
      asksItself: ({ url }) => isEvents(url),
      onRefused: this.#refused,
      onRequest: this.#handle,
      clock: this.#options.clock,
      ...(tls.length > 0 && {
        tls: {
          ...this.#certificates.tls,
          // Asked anew each time, since a reload brings other certificates.
          SNICallback: (name, answer) => this.#certificates.tls.SNICallback!(name, answer),
        },
      }),
    });
  }
}

function administrators({ api }: Config): readonly ApiKeyConfig[] {
  return api.keys.filter(({ can }) => can.includes('admin'));
}

function isSame(one: ApiKeyConfig): (other: ApiKeyConfig) => boolean {
  return ({ name, key }) => name === one.name && key === one.key;
}

/** Of an error of ours; what nobody foresaw is of one kind. */
function codeOf(error: unknown): string {
  return error instanceof ZocaloError ? error.code : '';
}
