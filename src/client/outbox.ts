import {
  isChannel,
  type Meta,
  type Position,
  ProtocolError,
  type Published,
  type PublishOptions,
} from '../protocol/index.ts';
import { encodeParts } from './json.ts';
import type { Message } from './messages.ts';
import { isPassing } from './retry.ts';
import type { Session } from './session.ts';

/**
 * A storage in which the outbox survives the page: `localStorage`, `sessionStorage`, or an object with the same
 * methods.
 */
export interface OutboxStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** What the outbox needs of its client. */
export interface OutboxContext {
  readonly settings: OutboxSettings;
  readonly session: Session;
  /** Reports an error that no promise or subscription carries. */
  report(error: Error): void;
}

export interface OutboxSettings {
  /** Part of the names in the storage. */
  url: string;
  storage?: OutboxStorage | undefined;
  /** Publications that may wait for their acknowledgement. */
  outbox: number;
}

/** A publication that is not acknowledged yet. */
export interface Waiting {
  key: string;
  channel: string;
  data: unknown;
}

/** The form in the storage. */
interface Saved {
  key: string;
  channel: string;
  /** The data as JSON, as it was at the time of publishing. */
  data: string;
  options: PublishOptions;
}

interface Entry extends Saved {
  isSent: boolean;
  refusals: number;
  resolve: (position: Position | undefined) => void;
  reject: (error: Error) => void;
}

/**
 * Publications in flight, with a window as in TCP (RFC 5681 §3.1): each full window of acknowledgements adds one, up to
 * 64, which fills a line with a long delay. A refusal shrinks it to one, so that a rate-limited server is not flooded,
 * and hardly anything overtakes the refused one.
 */
const FIRST_WINDOW = 16;
const MOST = 64;
/** A temporary refusal is passed on after this many attempts, so that a full disk is not waited for silently. */
const ATTEMPTS = 5;

/**
 * Publications that are not acknowledged yet, in order. Each stays until it is in the log or refused; after a loss all
 * are sent again with the same keys, so that none is stored twice.
 */
export class Outbox {
  readonly #context: OutboxContext;
  readonly #entries = new Map<string, Entry>();
  /** Keys restored from storage after a page load; they have another prefix. */
  readonly #restored = new Set<string>();
  /** Unique to this client: the time, which orders what several pages left behind, and some 52 random bits. */
  readonly #prefix = `${Date.now().toString(36).padStart(9, '0')}-${Math.random().toString(36).slice(2)}-`;
  #counter = 0;
  #window = FIRST_WINDOW;
  /**
   * Channels that wait after a refusal, with a function that cancels the wait: nothing may overtake the refused one.
   */
  readonly #held = new Map<string, () => void>();

  constructor(context: OutboxContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Publications without acknowledgement, oldest first. */
  get waiting(): Waiting[] {
    return [...this.#entries.values()].map(({ key, channel, data }) => ({ key, channel, data: JSON.parse(data) }));
  }

  /** A publication as a message for readers; `mine` shows whether it was published by this client. */
  toMessage(channel: string, position: Position, data: unknown, meta: Meta | undefined): Message {
    const { key = '' } = meta ?? {};
    return {
      ...meta,
      channel,
      data,
      // Offsets start at 1; without one, it is not in a log.
      ...(position[1] > 0 && { position }),
      mine: key.startsWith(this.#prefix) || this.#restored.has(key),
    };
  }

  /** Restores what an earlier page left in the storage. */
  restore(): void {
    this.#attempt(() => this.#restore());
  }

  #restore(): void {
    const { report, settings } = this.#context;
    const { storage } = settings;
    const names: string[] = [];
    for (let index = 0; index < (storage?.length ?? 0); index++) {
      const item = storage!.key(index);
      if (item?.startsWith(this.#itemOf(''))) names.push(item);
    }
    // A name contains the time and a counter, both padded: sorting names gives the order of publishing.
    for (const item of names.sort()) {
      const entry = parse(storage!.getItem(item));
      if (entry) {
        this.#restored.add(entry.key);
        this.#entries.set(entry.key, { ...entry, isSent: false, refusals: 0, resolve: () => {}, reject: report });
      } else storage!.removeItem(item);
    }
  }

  /** Resolves with the position once it is in the log; with undefined for `keep: false`. */
  publish(channel: string, data: unknown, options: Omit<PublishOptions, 'key'>): Promise<Position | undefined> {
    const { session, settings } = this.#context;
    const { storage, outbox: limit } = settings;
    if (!isChannel(channel)) throw noChannel(channel);
    const json = encodeParts(data).slice(0, -1);
    const key = this.#prefix + (++this.#counter).toString(36).padStart(6, '0');
    const saved: Saved = { key, channel, data: json, options: { ...options, key } };
    // For those who are connected now: it does not wait, and takes no place in the outbox.
    if (options.keep === false) {
      if (session.hindrance) throw session.hindrance;
      return session.request('pub', partsOf(saved)).then(() => undefined);
    }
    if (this.#entries.size >= limit) throw new ProtocolError('OUTBOX_FULL', `${limit} publications wait`);
    storage?.setItem(this.#itemOf(key), JSON.stringify([key, channel, json, saved.options]));
    return new Promise((resolve, reject) => {
      this.#entries.set(key, { ...saved, isSent: false, refusals: 0, resolve, reject });
      this.flush();
    });
  }

  /** Sends what is not in flight yet, oldest first. */
  flush(): void {
    if (this.#context.session.state !== 'open') return;
    let inFlight = 0;
    for (const entry of this.#entries.values()) {
      if (inFlight >= this.#window) break;
      if (!entry.isSent) {
        if (this.#held.has(entry.channel)) continue;
        this.#send(entry);
      }
      inFlight += 1;
    }
  }

  /** The connection is gone: everything must be sent again. */
  suspend(): void {
    for (const release of this.#held.values()) release();
    this.#held.clear();
    for (const entry of this.#entries.values()) entry.isSent = false;
  }

  /** The server closed because of a message that was too large, and would do so again. */
  refuseLargest(): void {
    let largest: Entry | undefined;
    for (const entry of this.#entries.values())
      if (entry.isSent && entry.data.length > (largest?.data.length ?? 0)) largest = entry;
    const error = new ProtocolError('TOO_LARGE', `${largest?.data.length} characters`);
    if (largest) this.#settle(largest, () => largest.reject(error));
  }

  /** Gives up in this page: a storage keeps its items. */
  abandon(error: Error): void {
    this.suspend();
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { reject } of entries) reject(error);
  }

  #send(entry: Entry): void {
    entry.isSent = true;
    this.#context.session.ask('pub', partsOf(entry), {
      ok: (result) => this.#taken(entry, result as Published | null),
      err: (error) => this.#refused(entry, error),
    });
  }

  #taken(entry: Entry, published: Published | null): void {
    this.#window = Math.min(this.#window + 1 / this.#window, MOST);
    this.#settle(entry, () => entry.resolve(published?.at));
  }

  #refused(entry: Entry, error: ProtocolError): void {
    const { session } = this.#context;
    if (error.code === 'CONNECTION_LOST') return;
    entry.refusals += 1;
    entry.isSent = false;
    if (isPassing(error) && entry.refusals < ATTEMPTS) {
      this.#window = 1;
      this.#hold(
        entry.channel,
        session.retry(error, entry.refusals - 1, () => this.#release(entry.channel)),
      );
    } else this.#settle(entry, () => entry.reject(error));
  }

  #hold(channel: string, release: () => void): void {
    this.#held.get(channel)?.();
    this.#held.set(channel, release);
  }

  #release(channel: string): void {
    this.#held.delete(channel);
    this.flush();
  }

  #settle(entry: Entry, tell: () => void): void {
    if (this.#entries.get(entry.key) !== entry) return;
    this.#entries.delete(entry.key);
    this.#attempt(() => this.#context.settings.storage?.removeItem(this.#itemOf(entry.key)));
    tell();
    this.flush();
  }

  /** An error of the storage is only reported, except for a publication that could not be saved. */
  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#context.report(error as Error);
    }
  }

  #itemOf(key: string): string {
    return `zocalo:${this.#context.settings.url}:${key}`;
  }
}

export function noChannel(name: string): ProtocolError {
  return new ProtocolError('BAD_CHANNEL', `${JSON.stringify(name)} is no channel: use encodeURIComponent`);
}

function partsOf({ channel, data, options }: Saved): string {
  return `${JSON.stringify(channel)},${data},${JSON.stringify(options)}]`;
}

function parse(text: string | null): Saved | undefined {
  try {
    const [key, channel, data, options] = JSON.parse(text ?? '');
    if (![key, channel, data].every((part) => typeof part === 'string')) return undefined;
    JSON.parse(data);
    return { key, channel, data, options };
  } catch {
    // From another program or version: it can never be sent.
    return undefined;
  }
}
