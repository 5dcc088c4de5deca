import { randomBytes } from 'node:crypto';
import { nodeHttp } from '../builtins.ts';
import type { Clock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { Hub } from '../hub/index.ts';
import { Admin, Administrators, AdminSessions } from './admin/index.ts';
import { createApi, isEvents } from './api/index.ts';
import { ApiKeys, Auth } from './auth/index.ts';
import { channelsOf } from './channels/index.ts';
import type { Config } from './config/index.ts';
import { ClientAddress, LocalSocket, route } from './http/index.ts';
import { AddressLimits, roomFor, SocketBudget } from './limits/index.ts';
import {
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
import type { Part } from './part.ts';
import { brokerOf, fileBeside } from './stores/index.ts';
import { CertificatesPart } from './tls/index.ts';
import { OpenStreams, type Traffic } from './transports/index.ts';
import { LineServer } from './transports/lines/index.ts';
import { WebListener } from './transports/websocket/index.ts';
import { Webhooks } from './webhooks/index.ts';

/** `configure` is called with what a reload brings. */
export type DaemonLog = Log & Partial<Pick<LevelLog, 'configure'>>;

export interface DaemonOptions {
  readonly log: DaemonLog;
  /** Of the package, for the admin page. */
  readonly version: string;
  /** How many files this process may have open. Default: no limit. */
  readonly openFiles?: number | undefined;
  readonly clock?: Clock;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  /** Writes everything that clients say and hear, and each refusal, at the level debug. Default false. */
  readonly trace?: boolean;
}

/** What the parts stand on that is not configuration. */
export interface PartsOptions extends DaemonOptions {
  readonly clock: Clock;
  readonly now: () => number;
  readonly isDraining: () => boolean;
}

/** The parts of a daemon, and those of them that it shows. */
export interface Assembly {
  /** In the order in which they are opened. */
  readonly parts: readonly Part[];
  readonly hub: Hub;
  readonly auth: Auth;
  readonly web: readonly WebListener[];
  readonly lines: LineServer | undefined;
  /** All addresses of the web as one. */
  readonly server: { readonly traffic: Traffic };
}

/** Makes the parts that a configuration asks for, and gives each what it needs. Opens nothing. */
export function assemble(config: Config, options: PartsOptions): Assembly {
  const { log, version, now, isDraining, trace = false } = options;
  // A full disk fails with every publication: its log must not fill it as well.
  const failures = new SparseLog(log, options.clock);
  const metrics = new Metrics();
  const onError = (err: unknown) => {
    failures.write('error', codeOf(err), { err }, 'something failed on the side of the server');
    metrics.failed(err);
  };
  const clock = guardedClock(options.clock, onError);
  const common = { log, clock, now };

  const clientAddress = new ClientAddress(config.proxies);
  const isProxy = (address: string) => clientAddress.isTrusted(address);
  const addressLimits = new AddressLimits({ ...config.limits, clock, isProxy });
  const budget = budgetOf(options.openFiles, failures, metrics);
  const keys = new ApiKeys(config.api.keys);
  const findKey = (authorization: string | undefined) => keys.find(authorization);
  const auth = new Auth(config, {
    ...common,
    // Without a secret in the configuration one for this run: the admin's page needs tokens.
    spareSecret: randomBytes(32).toString('base64url'),
    // A WebSocket's request knows it; what came by plain HTTP is looked at here.
    addressOf: (request) => (request instanceof nodeHttp().IncomingMessage ? clientAddress.of(request) : undefined),
  });
  const hub = newHub(config, { auth, clock, onError, trace: trace ? log : undefined });
  const webhooks = new Webhooks(hub, config.webhooks, { ...common, file: fileBeside(config.store, 'webhooks') });
  const health = new Health(hub, { clock, onDelivered: (seconds) => metrics.delivered(seconds) });
  const admin = new Admin(hub, { clock, now });
  const onRefused = new Refusals({ log: failures, metrics, admin }).add;

  const apiConfig = { api: config.api, origins: config.origins, limits: config.limits };
  const streams = new OpenStreams();
  let { spread } = config.drain;
  const api = createApi({
    hub,
    streams,
    keys: { find: findKey },
    config: apiConfig,
    auth,
    clientAddress,
    addressLimits,
    onRefused,
    log: {
      error: (fields, sentence) =>
        failures.write('error', `API ${codeOf((fields as { err?: unknown }).err)}`, fields, sentence),
    },
  });
  const probes = new Probes({
    health,
    metrics,
    isDraining,
    mayRead: (authorization) => findKey(authorization)?.may('read') ?? false,
  });
  const sessions = new AdminSessions({
    findKey,
    mint: (claims) => auth.mint(claims),
    samples: () => admin.samples,
    version,
    started: now(),
    onError,
  });
  const handle = route([api, probes, ...(config.admin ? [sessions] : []), new Pages(config, onError)], onError);

  const certificates = new CertificatesPart(config, common, (identity) => {
    for (const listener of web) listener.renewCertificate(identity);
  });
  const web = [config.listen].flat().map(
    (address) =>
      new WebListener(hub, address, {
        origins: config.origins,
        hosts: config.hosts,
        maxConnections: config.limits.connections,
        maxMessage: config.limits.maxMessage,
        queueLimit: config.limits.queue,
        keepAliveTimeout: keepAliveOf(config),
        spread: config.drain.spread,
        certificates,
        clientAddress: (request) => clientAddress.of(request),
        addressLimits,
        asksItself: ({ url }) => isEvents(url),
        onRefused,
        onRequest: trace ? tracedRequests(log, handle) : handle,
        clock,
      }),
  );
  const ended = new SparseLog(log, clock);
  const lines =
    config.lines &&
    new LineServer(hub, {
      ...config.lines,
      addressLimits,
      onRefused,
      onEnded: (why, address) => ended.write('warn', 'line', { address, why }, 'a raw line connection was ended'),
      clock,
    });

  const local =
    config.socket === undefined
      ? undefined
      : new LocalSocket(config.socket, api.handleLocal, keepAliveOf(config), clock);

  const server = {
    get traffic() {
      return sumOf(web);
    },
  };
  const parts: (Part | undefined)[] = [
    { name: 'the log', reloads: ['log'], prepare: (next) => ({ commit: () => log.configure?.(next.log) }) },
    budget && { name: 'the count of connections', open: () => budget.open(), close: () => budget.close() },
    {
      name: 'the login',
      reloads: ['secret', 'auth'],
      open: () => auth.open(),
      prepare: (next) => auth.prepare(next),
      close: () => auth.close(),
    },
    {
      name: 'the hub',
      reloads: ['channels'],
      open: () => hub.open(),
      prepare: (next) => ({ commit: hub.prepareChannels(channelsOf(next)) }),
      close: () => hub.close(),
    },
    { name: 'the metrics', open: () => metrics.observe(hub, server), close: () => metrics.close() },
    { name: 'the health check', open: () => health.open(), close: () => health.close() },
    {
      name: 'the webhooks',
      reloads: ['webhooks'],
      open: () => webhooks.open(),
      prepare: (next) => webhooks.prepare(next.webhooks),
      close: () => webhooks.close(),
    },
    { name: 'the admin page', open: () => admin.start(), close: () => admin.stop() },
    {
      name: 'the HTTP API',
      reloads: ['api'],
      prepare: ({ api }) => ({
        commit: () => {
          apiConfig.api = api;
          keys.replace(api.keys);
        },
      }),
    },
    new Administrators({ hub, log, revoke: (user) => auth.revoke(user) }),
    certificates,
    ...web,
    {
      name: 'the event streams',
      isDoor: true,
      reloads: ['drain'],
      prepare: ({ drain }) => ({ commit: () => ({ spread } = drain) }),
      // They end with the doors, and before the hub: their server closes them without a word.
      close: async (grace) => {
        await hub.settled(grace);
        streams.end(spread);
      },
    },
    lines && {
      name: lines.listen,
      isDoor: true,
      open: () => lines.open(),
      close: (grace) => lines.close({ grace }),
    },
    local && { name: local.path, isDoor: true, open: () => local.open(), close: (grace) => local.close(grace) },
  ];
  return { parts: parts.filter((part) => part !== undefined), hub, auth, web, lines, server };
}

interface HubParts {
  readonly auth: Auth;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  /** Where everything that is said is written. */
  readonly trace: Log | undefined;
}

function newHub(config: Config, { auth, clock, onError, trace }: HubParts): Hub {
  const { store, limits } = config;
  const hub = new Hub({
    broker: brokerOf(store, limits.keys),
    channels: channelsOf(config),
    connect: (visitor) => auth.connect(visitor),
    limits: {
      requests: limits.messagesPerSecond,
      bytes: limits.bytesPerSecond,
      subscriptions: limits.subscriptions,
    },
    linger: config.linger,
    pingInterval: config.ping,
    onError,
    clock,
    ...(trace && { trace: traceTo(trace) }),
  });
  if (trace) hub.observe(refusalsTo(trace));
  return hub;
}

function budgetOf(openFiles: number | undefined, log: SparseLog, metrics: Metrics): SocketBudget | undefined {
  if (openFiles === undefined) return undefined;
  const room = roomFor(openFiles);
  return new SocketBudget(room, () => {
    log.write('warn', 'files', { room }, 'a connection was cut off: no more files can be open');
    metrics.refused('open_files');
  });
}

/** Milliseconds. To Node, 0 is for ever. */
function keepAliveOf({ keepAlive }: Config): number {
  return Math.max(1, keepAlive);
}

function sumOf(web: readonly WebListener[]): Traffic {
  const sum = { sockets: 0, received: 0, sent: 0, queued: 0, slow: 0 };
  for (const { traffic } of web)
    for (const name of Object.keys(sum) as (keyof Traffic)[]) sum[name] += traffic?.[name] ?? 0;
  return sum;
}

/** Of an error of ours; all unexpected errors share one key. */
function codeOf(error: unknown): string {
  return error instanceof ZocaloError ? error.code : '';
}
