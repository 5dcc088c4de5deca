import { randomBytes } from 'node:crypto';
import { type Broker, hasFollowUps, type Reachable } from '../broker/index.ts';
import { nodeHttp } from '../builtins.ts';
import type { Clock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import type { Hub } from '../hub/index.ts';
import { type Nodes, nodesOf } from '../nodes/index.ts';
import { Admin, Administrators, AdminSessions, linkRows } from './admin/index.ts';
import { createApi, isEvents } from './api/index.ts';
import { ApiKeys, Auth, Revocations } from './auth/index.ts';
import type { Config } from './config/index.ts';
import { commandsOn, Handlers } from './handlers/index.ts';
import { ClientAddress, LocalSocket, route } from './http/index.ts';
import { hubPart, newHub } from './hub-part.ts';
import { AddressLimits, roomFor, SocketBudget } from './limits/index.ts';
import {
  ClusterSettings,
  guardedClock,
  Health,
  type LevelLog,
  type Log,
  Metrics,
  Probes,
  Refusals,
  ThrottledLog,
  tracedRequests,
} from './operations/index.ts';
import { Pages } from './pages.ts';
import type { Part } from './part.ts';
import { ChannelPrograms } from './programs/index.ts';
import { Sinks } from './sinks/index.ts';
import { PushHandler, Sources } from './sources/index.ts';
import { brokerOf, fileBeside } from './stores/index.ts';
import { CertificatesPart } from './tls/index.ts';
import { OpenStreams, type Traffic } from './transports/index.ts';
import { WebListener } from './transports/websocket/index.ts';
import { ClusterWebhooks, Webhooks } from './webhooks/index.ts';

/** `configure` is called with the log's configuration at a reload. */
export type DaemonLog = Log & Partial<Pick<LevelLog, 'configure'>>;

export interface DaemonOptions {
  readonly log: DaemonLog;
  /** The package's version, for the admin page. */
  readonly version: string;
  /** How many files this process may have open. Default: no limit. */
  readonly openFiles?: number | undefined;
  readonly clock?: Clock;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  /** Logs everything that clients send and receive, and each refusal, at the level debug. Default false. */
  readonly trace?: boolean;
  /** Ends a start that waits for its store. */
  readonly signal?: AbortSignal;
}

/** What the parts need besides the configuration. */
export interface PartsOptions extends DaemonOptions {
  readonly clock: Clock;
  readonly now: () => number;
  readonly isDraining: () => boolean;
}

/** The parts of a daemon; some are also available by name. */
export interface Assembly {
  /** In the order in which they are opened. */
  readonly parts: readonly Part[];
  readonly hub: Hub;
  readonly auth: Auth;
  readonly web: readonly WebListener[];
  readonly sources: Pick<Sources, 'addresses'>;
  /** All web listeners as one. */
  readonly server: { readonly traffic: Traffic };
}

/** Makes the parts that a configuration asks for, and gives each what it needs. Opens nothing. */
export function assemble(config: Config, options: PartsOptions): Assembly {
  const { log, version, now, isDraining, trace = false } = options;
  // A full disk fails every publication: throttle the log lines, which would also need disk space.
  const failures = new ThrottledLog(log, options.clock);
  const metrics = new Metrics();
  const onError = (err: unknown) => {
    failures.write('error', codeOf(err), { err }, 'something failed in the server');
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
  const handlers = new Handlers(config.handlers, {
    ...common,
    run: randomBytes(9).toString('base64url'),
    onOutcome: (...outcome) => metrics.handled(...outcome),
    onCommand: commandsOn(() => hub),
    file: fileBeside(config.store, 'handlers'),
  });
  const auth = new Auth(config, {
    ...common,
    // Without a secret in the configuration, one for this run: the admin page needs tokens.
    spareSecret: randomBytes(32).toString('base64url'),
    revocations: fileBeside(config.store, 'revocations'),
    application: () => handlers.connect,
    // A WebSocket's request has its address already; a plain HTTP request does not.
    addressOf: (request) => (request instanceof nodeHttp().IncomingMessage ? clientAddress.of(request) : undefined),
  });
  const broker = brokerOf(config.store, {
    keys: config.limits.keys,
    waiting: {
      onWait: (err) =>
        err
          ? log.warn({ err }, 'the store is away, and the daemon does not serve until it is there')
          : log.info({}, 'the store is there'),
      signal: options.signal,
    },
  });
  const clusterSettings = new ClusterSettings(config, { log, nodes: () => nodes.others?.nodes() });
  const nodes: Nodes = nodesOf(broker, {
    linger: config.linger,
    settings: () => clusterSettings.digests,
    clock,
    onError: (what, cause) => failures.write('error', what, { err: cause }, what),
  });
  if (nodes.others) metrics.repairs(nodes.membership);
  const hub = newHub(config, { broker, nodes, auth, handlers, clock, onError, trace: trace ? log : undefined });
  const revocations = new Revocations({ hub: () => hub, auth, notices: nodes.others?.notices, now });
  const webhooks = nodes.others
    ? new ClusterWebhooks(hub, nodes.others, config.webhooks, {
        ...common,
        isDraining,
        followUps: hasFollowUps(broker) ? broker.followUps : undefined,
      })
    : new Webhooks(hub, config.webhooks, { ...common, file: fileBeside(config.store, 'webhooks') });
  const sinks = new Sinks(config, { hub, broker, log: failures, metrics, clock, now });
  const health = new Health(hub, {
    clock,
    onDelivered: (seconds) => metrics.delivered(seconds),
    trouble: () => troubleOf(broker),
  });
  const admin = new Admin(hub, {
    clock,
    now,
    links: () =>
      linkRows({
        sources: sources.list(),
        sinks: sinks.list(),
        handlers: handlers.list(),
        store: troubleOf(broker),
      }),
  });
  const onRefused = new Refusals({ log: failures, metrics, admin }).add;
  const sources = new Sources(config, {
    hub,
    log: failures,
    programLog: log,
    metrics,
    addressLimits,
    onRefused,
    clock,
    now,
    file: fileBeside(config.store, 'devices'),
  });

  const apiConfig = { api: config.api, origins: config.origins, limits: config.limits };
  const streams = new OpenStreams();
  let { spread } = config.drain;
  const api = createApi({
    hub,
    streams,
    keys: { find: findKey },
    config: apiConfig,
    sinks,
    sources,
    auth: {
      login: (...who) => auth.login(...who),
      revoke: (user, message) => revocations.revoke(user, message),
    },
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
    sources: () => sources.health(),
    handlers: () => handlers.health(),
    login: () => auth.health(),
    sinks: () => sinks.health(),
  });
  const sessions = new AdminSessions({
    findKey,
    mint: (claims) => auth.mint(claims),
    samples: () => admin.samples,
    version,
    started: now(),
    onError,
  });
  const pushes = new PushHandler({
    sources: () => sources.pushes,
    addressOf: (request) => clientAddress.of(request),
    onError,
  });
  const handle = route([api, probes, pushes, ...(config.admin ? [sessions] : []), new Pages(config, onError)], onError);

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
    // Behind the hub when it closes, since all that is told of is told of by then.
    {
      name: 'the handlers',
      reloads: ['handlers'],
      open: () => handlers.open(hub),
      prepare: (next) => handlers.prepare(next.handlers),
      close: (grace) => handlers.close(grace),
    },
    {
      name: 'the login',
      reloads: ['secret', 'auth', 'databases'],
      open: () => auth.open(),
      prepare: (next) => auth.prepare(next),
      close: () => auth.close(),
    },
    hubPart(hub, handlers),
    nodes.others && clusterSettings,
    // Before all that publishes: what is published before is not written.
    sinks,
    { name: 'the metrics', open: () => metrics.observe(hub, server), close: () => metrics.close() },
    { name: 'the health check', open: () => health.open(), close: () => health.close() },
    {
      name: 'the webhooks',
      reloads: ['webhooks'],
      open: () => webhooks.open(),
      prepare: (next) => webhooks.prepare(next.webhooks),
      close: () => webhooks.close(),
    },
    new ChannelPrograms(config.programs, { hub, log, clock }),
    sources,
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
      isListener: true,
      reloads: ['drain'],
      prepare: ({ drain }) => ({ commit: () => ({ spread } = drain) }),
      // They end with the listeners and before the hub, since their server would close them without telling the reader.
      close: async (grace) => {
        await hub.settled(grace);
        streams.end(spread);
      },
    },
    local && { name: local.path, isListener: true, open: () => local.open(), close: (grace) => local.close(grace) },
  ];
  return { parts: parts.filter((part) => part !== undefined), hub, auth, web, sources, server };
}

/** What a broker that can be asked says is wrong with it. */
function troubleOf(broker: Broker & Partial<Reachable>): string | undefined {
  return broker.trouble?.();
}

function budgetOf(openFiles: number | undefined, log: ThrottledLog, metrics: Metrics): SocketBudget | undefined {
  if (openFiles === undefined) return undefined;
  const room = roomFor(openFiles);
  return new SocketBudget(room, () => {
    log.write('warn', 'files', { room }, 'a connection was cut off: no more files can be opened');
    metrics.refused('open_files');
  });
}

/** Milliseconds. For Node, 0 means for ever. */
function keepAliveOf({ keepAlive }: Config): number {
  return Math.max(1, keepAlive);
}

function sumOf(web: readonly WebListener[]): Traffic {
  const sum = { sockets: 0, received: 0, sent: 0, queued: 0, slow: 0 };
  for (const { traffic } of web)
    for (const name of Object.keys(sum) as (keyof Traffic)[]) sum[name] += traffic?.[name] ?? 0;
  return sum;
}

/** The code of our own errors; all unexpected errors share one key. */
function codeOf(error: unknown): string {
  return error instanceof ZocaloError ? error.code : '';
}
