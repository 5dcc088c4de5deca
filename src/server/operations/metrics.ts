import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Hub, HubObserver } from '../../hub/index.ts';
import type { Traffic } from '../transports/index.ts';
import { CONTENT_TYPE, Counts, Histogram, headOf, lines } from './metric.ts';
import { residentMemory } from './resident-memory.ts';

/** Milliseconds between the looks at the event loop's delay. */
const RESOLUTION = 20;
const NANOSECONDS = 1e9;

interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

/**
 * What the daemon counts, for Prometheus. It adds numbers up and does nothing for a single delivery; what needs a look
 * at every connection is done when somebody asks. (A library for this would take a quarter of the idle daemon's memory.)
 */
export class Metrics {
  readonly contentType = CONTENT_TYPE;
  readonly #received = new Counts();
  readonly #refusals = new Counts();
  readonly #handshakes = new Counts();
  readonly #failures = new Counts();
  readonly #publishing = new Histogram();
  readonly #probing = new Histogram();
  readonly #loop = monitorEventLoopDelay({ resolution: RESOLUTION });
  readonly #gauges: Gauge[] = [];
  #opened = 0;
  #publications = 0;
  #publicationBytes = 0;
  #deliveries = 0;
  #slow = 0;
  #hub: Hub | null = null;
  #traffic: () => Traffic = () => ({ sockets: 0, received: 0, sent: 0, queued: 0, slow: 0 });
  #unobserve = (): void => {};

  /** Counts what happens in a hub, and over the sockets of the server that it is served by. */
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

  /** A publication of the daemon's own came back to it after so many seconds. */
  delivered(seconds: number): void {
    this.#probing.observe(seconds);
  }

  /** Adds a number that is read whenever somebody asks. `name` as Prometheus has it: zocalo_webhooks_waiting. */
  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.push({ name, help, read });
  }

  /** Seconds that the event loop was late, at its worst since this was asked last. */
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
      () =>
        lines('zocalo_connections', 'gauge', 'Connections that were let in, by what they speak.', by('kind', kinds)),
      () => lines('zocalo_connections_opened_total', 'counter', 'Connections that were let in.', this.#opened),
      () => lines('zocalo_users', 'gauge', 'Users who are connected.', this.#hub?.users.length ?? 0),
      () => lines('zocalo_channels', 'gauge', 'Channels with a subscriber.', this.#hub?.channels.length ?? 0),
      () => lines('zocalo_lines_received_total', 'counter', 'Lines from clients.', by('kind', this.#received)),
      () => lines('zocalo_publications_total', 'counter', 'Publications.', this.#publications),
      () => lines('zocalo_publication_bytes_total', 'counter', 'Data of publications.', this.#publicationBytes),
      () => lines('zocalo_deliveries_total', 'counter', 'Texts to many, times their receivers.', this.#deliveries),
      () => lines('zocalo_received_bytes_total', 'counter', 'Bytes from WebSockets.', traffic.received),
      () => lines('zocalo_sent_bytes_total', 'counter', 'Bytes to WebSockets.', traffic.sent),
      () => lines('zocalo_queued_bytes', 'gauge', 'Bytes that wait for their readers.', traffic.queued),
      () => lines('zocalo_slow_readers', 'gauge', 'Readers for whom more waits than the limit.', traffic.slow),
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
      () => lines('zocalo_event_loop_delay_seconds', 'gauge', 'The worst since the last look.', this.takeLoopDelay()),
      () => lines('process_cpu_seconds_total', 'counter', 'User and system time.', (user + system) / 1e6),
      () => lines('process_resident_memory_bytes', 'gauge', 'Resident memory.', residentMemory()),
      () => lines('process_start_time_seconds', 'gauge', 'Start, since 1970.', Date.now() / 1000 - process.uptime()),
      ...this.#gauges.map(
        ({ name, help, read }) =>
          () =>
            lines(name, 'gauge', help, read()),
      ),
    ];
    return `${parts.flatMap((part) => this.#attempt(part)).join('\n')}\n`;
  }

  /** What cannot be read is left out: somebody watches the rest. */
  #attempt(part: () => string[]): string[] {
    try {
      return part();
    } catch (error) {
      this.failed(error);
      return [];
    }
  }
}
