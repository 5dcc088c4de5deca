import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Hub, HubObserver } from '../../hub/index.ts';
import type { Membership } from '../../nodes/index.ts';
import type { Traffic } from '../transports/index.ts';
import { HandlerMetrics } from './handler-metrics.ts';
import { CONTENT_TYPE, Counts, Histogram, headOf, lines } from './metric.ts';
import { residentMemory } from './resident-memory.ts';

/** The resolution of the event loop's delay, in milliseconds. */
const RESOLUTION = 20;
const NANOSECONDS = 1e9;

/**
 * The daemon's metrics, for Prometheus. It does no work per delivery, and iterates over connections only when it is
 * scraped. (A library for this would take a quarter of the idle daemon's memory.)
 */
export class Metrics {
  readonly contentType = CONTENT_TYPE;
  readonly #received = new Counts();
  readonly #refusals = new Counts();
  readonly #handshakes = new Counts();
  readonly #failures = new Counts();
  readonly #handled = new HandlerMetrics();
  readonly #publishing = new Histogram();
  readonly #probing = new Histogram();
  readonly #loop = monitorEventLoopDelay({ resolution: RESOLUTION });
  readonly #others: (() => string[])[] = [];
  #opened = 0;
  #publications = 0;
  #publicationBytes = 0;
  #deliveries = 0;
  #slow = 0;
  #hub: Hub | null = null;
  #traffic: () => Traffic = () => ({ sockets: 0, received: 0, sent: 0, queued: 0, slow: 0 });
  #unobserve = (): void => {};

  /** Counts what happens in a hub, and on the sockets of its server. */
  observe(hub: Hub, server?: { readonly traffic: Traffic }): void {
    this.#hub = hub;
    if (server) this.#traffic = () => server.traffic;
    this.#loop.enable();
    this.#unobserve = hub.observe(this.#observer);
  }

  close(): void {
    this.#unobserve();
    this.#loop.disable();
  }

  readonly #observer: HubObserver = {
    onConnect: () => void this.#opened++,
    onReceived: ({ kind }, count) => this.#received.add(kind, count),
    onDelivered: (receivers) => {
      this.#deliveries += receivers;
    },
    onPublished: ({ data, position, took }) => {
      this.#publications++;
      this.#publicationBytes += Buffer.byteLength(data);
      if (position) this.#publishing.observe(took / 1000);
    },
    onFailed: (_, error) => this.failed(error),
    onRefused: (_, code) => this.#refusals.add(code),
    onSlow: () => void this.#slow++,
  };

  /** A handshake was refused for this reason. */
  refused(reason: string): void {
    this.#handshakes.add(reason);
  }

  /** Something failed on the server's side. */
  failed(error: unknown): void {
    this.#failures.add(String((error as { code?: unknown } | null)?.code ?? 'UNEXPECTED'));
  }

  /** A handler was asked or told of something. `outcome`: answered, refused or failed. */
  handled(handler: string, event: string, outcome: string, seconds: number): void {
    this.#handled.add(handler, event, outcome, seconds);
  }

  /** The health check's publication was delivered after this many seconds. */
  delivered(seconds: number): void {
    this.#probing.observe(seconds);
  }

  /** Counts what this node has missed of who is where, by the kind of group. */
  repairs({ repairs }: Pick<Membership, 'repairs'>): void {
    const help = 'Times that announcements of who came or went were missed, and the list was read instead.';
    this.add(() => lines('zocalo_membership_repairs_total', 'counter', help, { label: 'kind', entries: [...repairs] }));
  }

  /** Adds a gauge that is read at each scrape. `name` is the full name: zocalo_webhooks_waiting. */
  gauge(name: string, help: string, read: () => number): void {
    this.add(() => lines(name, 'gauge', help, read()));
  }

  /** Adds lines that are made at each scrape, by `lines` for example. */
  add(make: () => string[]): void {
    this.#others.push(make);
  }

  /** The longest delay of the event loop since the last call, in seconds. */
  takeLoopDelay(): number {
    const worst = this.#loop.max / NANOSECONDS;
    this.#loop.reset();
    return Math.max(0, worst - RESOLUTION / 1000);
  }

  /** Everything in Prometheus' text format. */
  text(): string {
    const traffic = this.#traffic();
    const kinds = new Counts();
    for (const { kind } of this.#hub?.connections ?? []) kinds.add(kind);
    const by = (label: string, counts: Counts) => ({ label, entries: counts.entries });
    const { user, system } = process.cpuUsage();
    const parts: (() => string[])[] = [
      () => lines('zocalo_sockets', 'gauge', 'WebSockets that are open.', traffic.sockets),
      () => lines('zocalo_connections', 'gauge', 'Connections that were accepted, by transport.', by('kind', kinds)),
      () => lines('zocalo_connections_opened_total', 'counter', 'Connections that were accepted.', this.#opened),
      () => lines('zocalo_users', 'gauge', 'Users who are connected.', this.#hub?.users.length ?? 0),
      () => lines('zocalo_channels', 'gauge', 'Channels with a subscriber.', this.#hub?.channels.length ?? 0),
      () => lines('zocalo_lines_received_total', 'counter', 'Lines from clients.', by('kind', this.#received)),
      () => lines('zocalo_publications_total', 'counter', 'Publications.', this.#publications),
      () => lines('zocalo_publication_bytes_total', 'counter', 'Data of publications.', this.#publicationBytes),
      () => lines('zocalo_deliveries_total', 'counter', 'Deliveries: each text times its receivers.', this.#deliveries),
      () => lines('zocalo_received_bytes_total', 'counter', 'Bytes from WebSockets.', traffic.received),
      () => lines('zocalo_sent_bytes_total', 'counter', 'Bytes to WebSockets.', traffic.sent),
      () => lines('zocalo_queued_bytes', 'gauge', 'Bytes that wait for their readers.', traffic.queued),
      () => lines('zocalo_slow_readers', 'gauge', 'Readers whose queue is over the limit.', traffic.slow),
      () => lines('zocalo_slow_readers_total', 'counter', 'Times that a reader turned out to be slow.', this.#slow),
      () =>
        lines(
          'zocalo_refusals_total',
          'counter',
          'Requests refused and connections ended.',
          by('code', this.#refusals),
        ),
      () => lines('zocalo_handshakes_refused_total', 'counter', 'Handshakes refused.', by('reason', this.#handshakes)),
      () => lines('zocalo_errors_total', 'counter', "Failures on the server's side.", by('code', this.#failures)),
      () => headOf('zocalo_publish_seconds', 'histogram', 'From the call until a publication is in the log.'),
      () => this.#publishing.lines('zocalo_publish_seconds'),
      () => headOf('zocalo_delivery_seconds', 'histogram', "From the health probe's publication to its delivery."),
      () => this.#probing.lines('zocalo_delivery_seconds'),
      () => this.#handled.lines(),
      () =>
        lines(
          'zocalo_event_loop_delay_seconds',
          'gauge',
          'The longest delay since the last scrape.',
          this.takeLoopDelay(),
        ),
      () => lines('process_cpu_seconds_total', 'counter', 'User and system time.', (user + system) / 1e6),
      () => lines('process_resident_memory_bytes', 'gauge', 'Resident memory.', residentMemory()),
      () => lines('process_start_time_seconds', 'gauge', 'Start, since 1970.', Date.now() / 1000 - process.uptime()),
      ...this.#others,
    ];
    return `${parts.flatMap((part) => this.#attempt(part)).join('\n')}\n`;
  }

  /** A metric that cannot be read is left out, so that the others are still reported. */
  #attempt(part: () => string[]): string[] {
    try {
      return part();
    } catch (error) {
      this.failed(error);
      return [];
    }
  }
}
