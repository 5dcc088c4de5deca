import type { Clock } from '../../clock.ts';
import type { Hub, UserConnection } from '../../hub/index.ts';
import { type Log, ThrottledLog } from '../operations/index.ts';
import { Backlog, Delivery, type News, type Receiver } from '../webhooks/index.ts';
import { eventText, NO_HEADERS, whoText } from './event.ts';
import type { Handler } from './handler.ts';
import type { HandlerTable } from './table.ts';

type Notice = 'disconnect' | 'unsubscribe';
const NOTICES: readonly Notice[] = ['unsubscribe', 'disconnect'];

/** Milliseconds that notices are gathered for one write. */
const GATHER = 5;
/** Milliseconds until a failed write is tried again, and how many notices are kept in memory meanwhile. */
const RETRY = 1_000;
const UNSTORED = 10_000;
/** Notices of different connections that are delivered at a time: fewer than may be asked, so that decisions go on. */
const AT_ONCE = 8;
/** The close code of a connection that ended without one (RFC 6455 §7.1.5), for example with the process. */
const ABNORMAL = 1006;

export interface NoticesOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly now: () => number;
  readonly random?: (() => number) | undefined;
  /**
   * The file in which notices wait until they are acknowledged. Undefined: they wait in memory, and are lost with the
   * process.
   */
  readonly file?: string | undefined;
  readonly nextId: () => string;
}

/**
 * Tells handlers of `unsubscribe` and `disconnect`, at least once each. The file remembers every connection and
 * subscription that has begun, so that the ends of those of an earlier process are reported, too.
 */
export class Notices {
  readonly #options: NoticesOptions;
  readonly #backlog: Backlog;
  readonly #deliveries = new Map<string, Delivery>();
  #table: HandlerTable<Handler>;
  #news: News[] = [];
  readonly #dropped = new Map<string, number>();
  readonly #throttled: ThrottledLog;
  #cancelWrite: (() => void) | undefined;
  /**
   * What handlers are told of each connection, by its id: as it was at the beginning, since its identity may be
   * renewed.
   */
  readonly #who = new Map<string, string>();

  constructor(table: HandlerTable<Handler>, options: NoticesOptions) {
    this.#table = table;
    this.#options = options;
    this.#backlog = new Backlog(options.file, options.now);
    this.#throttled = new ThrottledLog(options.log, options.clock);
  }

  /** Opens the backlog as soon as a handler has one of these events. @throws ZocaloError STORE_FAILED. */
  prepare(handlers: readonly Handler[]): void {
    const names = handlers.filter(isTold).map(({ name }) => name);
    if (names.length === 0) return;
    if (!this.#backlog.isOpen) this.#backlog.open();
    this.#backlog.admit(names);
  }

  /** From now on these handlers get the events. */
  use(table: HandlerTable<Handler>, handlers: readonly Handler[]): void {
    this.#flush();
    this.#table = table;
    const told = handlers.filter(isTold);
    const { random = Math.random } = this.#options;
    for (const [name, delivery] of this.#deliveries)
      if (!told.some((handler) => handler.name === name)) {
        this.#deliveries.delete(name);
        void delivery.close();
      }
    this.#forgetOthers(told.map(({ name }) => name));
    for (const handler of told) {
      const receiver = this.#receiverOf(handler);
      const known = this.#deliveries.get(handler.name);
      if (known) known.use(receiver, true);
      else {
        const delivery = new Delivery(receiver, { ...this.#options, random, backlog: this.#backlog });
        this.#deliveries.set(handler.name, delivery);
        this.#recall(handler.name);
        delivery.wake();
      }
    }
  }

  /** Returns a function that ends it. */
  observe(hub: Hub): () => void {
    return hub.observe({
      onConnect: (who) => this.#begin('disconnect', this.#table.disconnect, who),
      onDisconnect: (who, code) => {
        this.#end('disconnect', this.#table.disconnect, who, undefined, code);
        this.#who.delete(who.id);
      },
      onSubscribe: (who, channel) =>
        this.#begin('unsubscribe', this.#table.ofChannel('unsubscribe', channel), who, channel),
      onUnsubscribe: (who, channel) =>
        this.#end('unsubscribe', this.#table.ofChannel('unsubscribe', channel), who, channel),
    });
  }

  /** Stores what was gathered. What is not acknowledged comes with the next start. */
  async close(): Promise<void> {
    this.#flush();
    this.#cancelWrite?.(); // it may have failed
    await Promise.all([...this.#deliveries.values()].map((delivery) => delivery.close()));
    if (this.#backlog.isOpen) this.#backlog.close();
  }

  #begin(notice: Notice, handler: Handler | undefined, who: UserConnection, channel?: string): void {
    if (!handler || who.isInternal) return;
    const change = { kind: notice, name: this.#aboutOf(who, channel), isHere: true };
    this.#add({ webhook: handler.name, event: undefined, change });
  }

  #end(notice: Notice, handler: Handler | undefined, who: UserConnection, channel?: string, code?: number): void {
    if (!handler || who.isInternal) return;
    this.#tell(handler.name, notice, this.#aboutOf(who, channel), code);
  }

  #tell(handler: string, notice: Notice, about: string, code: number | undefined): void {
    const members = { ...parts(about), code: code === undefined ? undefined : String(code) };
    const event = eventText(notice, this.#options.nextId(), members);
    this.#add({ webhook: handler, event, change: { kind: notice, name: about, isHere: false } });
  }

  /** What the event is about, as it stands in the file: two texts of JSON. */
  #aboutOf(who: UserConnection, channel: string | undefined): string {
    const known = this.#who.get(who.id) ?? whoText(who);
    this.#who.set(who.id, known);
    return JSON.stringify(channel === undefined ? [known] : [known, JSON.stringify(channel)]);
  }

  /** Drops what waits for handlers that are no longer configured. */
  #forgetOthers(names: readonly string[]): void {
    if (!this.#backlog.isOpen) return;
    const { log } = this.#options;
    try {
      for (const [handler, count] of this.#backlog.keepOnly(names))
        log.warn({ handler, count }, 'a handler is no longer configured: the events that waited for it were dropped');
    } catch (error) {
      // They are not delivered, and are deleted with the next change.
      log.error({ reason: (error as Error).message }, 'the events of a handler that is gone could not be deleted');
    }
  }

  /** Those who were here when an earlier process ended. */
  #recall(handler: string): void {
    for (const notice of NOTICES)
      for (const about of this.#backlog.here(handler, notice))
        this.#tell(handler, notice, about, notice === 'disconnect' ? ABNORMAL : undefined);
  }

  #receiverOf(handler: Handler): Receiver {
    return {
      id: handler.name,
      kind: 'handler',
      place: handler.name,
      most: AT_ONCE,
      take: async ({ events }, signal, taken) => {
        const byConnection = new Map<string, (() => Promise<void>)[]>();
        for (const { event: text, version } of events) {
          const { event: name, id, who } = JSON.parse(text);
          const tell = async () => {
            await handler.ask({ name, id, text, connection: who.connection, headers: NO_HEADERS }, () => undefined);
            taken(version);
          };
          byConnection.set(who.connection, [...(byConnection.get(who.connection) ?? []), tell]);
        }
        const told = [...byConnection.values()].map(async (calls) => {
          for (const tell of calls) if (!signal.aborted) await tell();
        });
        const failed = (await Promise.allSettled(told)).find(({ status }) => status === 'rejected');
        if (failed) throw (failed as PromiseRejectedResult).reason;
        signal.throwIfAborted();
      },
    };
  }

  #add(news: News): void {
    this.#news.push(news);
    this.#cancelWrite ??= this.#options.clock.after(GATHER, () => this.#write());
  }

  /** `total`: since the daemon has started. A line for each write would fill the log. */
  #tellDropped(handler: string, count: number): void {
    const total = (this.#dropped.get(handler) ?? 0) + count;
    this.#dropped.set(handler, total);
    const sentence = 'too many events wait for a handler: the oldest were dropped';
    this.#throttled.write('error', `dropped ${handler}`, { handler, count, total }, sentence);
  }

  #flush(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    if (this.#news.length > 0) this.#write();
  }

  #write(): void {
    this.#cancelWrite = undefined;
    const { log, clock } = this.#options;
    try {
      const news = this.#news.filter(({ webhook }) => this.#deliveries.has(webhook));
      for (const [handler, count] of this.#backlog.add(news)) this.#tellDropped(handler, count);
    } catch (error) {
      const dropped = this.#news.splice(0, this.#news.length - UNSTORED).length;
      const fields = { reason: (error as Error).message, count: this.#news.length, dropped };
      log.error(fields, 'events for handlers cannot be stored: it is tried again');
      this.#cancelWrite = clock.after(RETRY, () => this.#write());
      return;
    }
    this.#news = [];
    for (const delivery of this.#deliveries.values()) delivery.wake();
  }
}

function isTold({ config }: Handler): boolean {
  return NOTICES.some((notice) => config.events.includes(notice));
}

function parts(about: string): { who: string; channel: string | undefined } {
  const [who, channel] = JSON.parse(about) as [string, string?];
  return { who, channel };
}
