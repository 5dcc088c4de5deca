import {
  checkOptions,
  type History,
  isChannel,
  type Meta,
  type Position,
  ProtocolError,
  type Published,
  type PublishOptions,
} from '../protocol/index.ts';
import type { Bytes } from './bytes.ts';
import { encodeParts } from './json.ts';
import type { Message } from './messages.ts';
import { isPassing } from './retry.ts';
import type { Session } from './session.ts';

/** Where publications that are not acknowledged survive the page; see `keptIn`. What it throws is reported. */
export interface OutboxStore {
  /** What an earlier page left, oldest first. */
  load(url: string): Saved[];
  /** What this throws is the publisher's answer. */
  save(url: string, saved: Saved): void;
  remove(url: string, key: string): void;
}

/** What the outbox needs of its client. */
export interface OutboxContext {
  readonly settings: OutboxSettings;
  readonly session: Session;
  /** Reports an error that no promise or subscription carries. */
  report(error: Error): void;
  /** Loads what a plain page does not need. */
  load(): Promise<{ sendNow(parts: string, signal: AbortSignal | undefined): Promise<undefined> }>;
  /** `waiting` is another one. */
  onWaiting(): void;
}

export interface OutboxSettings {
  /** Part of the names in the storage. */
  url: string;
  storage?: OutboxStore | undefined;
  /** Publications that may wait for their acknowledgement. */
  outbox: number;
  bytes: Bytes;
}

/** A publication that is not acknowledged yet. */
export interface Waiting {
  key: string;
  channel: string;
  data: unknown;
}

/** A publication as it is stored. */
export interface Saved {
  key: string;
  channel: string;
  /** The data as JSON, as it was at the time of publishing. */
  data: string;
  options: PublishOptions;
}

/** How to publish. */
export interface PublicationOptions extends Omit<PublishOptions, 'key'> {
  /**
   * Takes it back when it is aborted, unless it was sent before: then it rejects with the signal's reason, and nothing is
   * stored. What was sent is settled as without a signal.
   */
  signal?: AbortSignal | undefined;
}

interface Entry extends Saved {
  /** As it is shown, once it was. */
  shown?: Waiting;
  /** False: it was sent, and has to be again. Undefined: never. */
  isSent?: boolean;
  refusals: number;
  /** Undefined for what an earlier page has left. */
  resolve?: (position: Position | undefined) => void;
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
  /** Unique to this client: the time, which orders what several pages left behind (until 2059, when it has a digit more), and some 52 random bits. */
  readonly #prefix = `${Date.now().toString(36)}-${Math.random().toString(36)}-`;
  #counter = 0;
  #waiting: readonly Waiting[] | undefined;
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

  /** Publications without acknowledgement, oldest first: another list after each change, and only then. */
  get waiting(): readonly Waiting[] {
    this.#waiting ??= [...this.#entries.values()].map((entry) => {
      const { key, channel, data } = entry;
      entry.shown ??= { key, channel, data: this.#context.settings.bytes.parse(data) };
      return entry.shown;
    });
    return this.#waiting;
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

  toMessages(channel: string, { epoch, entries }: History): Message[] {
    return entries.map(([offset, data, meta]) => this.toMessage(channel, [epoch, offset], data, meta));
  }

  /** Restores what an earlier page left in the storage. */
  restore(): void {
    const { report, settings } = this.#context;
    this.#attempt(() => {
      for (const saved of settings.storage?.load(settings.url) ?? []) {
        this.#restored.add(saved.key);
        this.#set({ ...saved, refusals: 0, reject: report });
      }
    });
  }

  /** Resolves with the position once it is in the log; with undefined for `keep: false`. */
  async publish(
    channel: string,
    data: unknown,
    { signal, ...options }: PublicationOptions = {},
  ): Promise<Position | undefined> {
    const { storage, outbox: limit, url, bytes } = this.#context.settings;
    checkOptions<PublicationOptions>(options, ['keep', 'echo', 'event', 'signal']);
    if (signal?.aborted) throw signal.reason;
    if (!isChannel(channel)) throw noChannel(channel);
    const key = this.#prefix + (++this.#counter).toString(36).padStart(6, '0');
    const saved: Saved = {
      key,
      channel,
      data: encodeParts(bytes.written?.(data) ?? data).slice(0, -1),
      options: { ...options, key },
    };
    // For those who are connected now: it does not wait, and takes no place in the outbox.
    if (options.keep === false) return (await this.#context.load()).sendNow(partsOf(saved), signal);
    if (this.#entries.size >= limit) throw new ProtocolError('OUTBOX_FULL', `${limit} publications wait`);
    storage?.save(url, saved);
    let takeBack = () => {};
    try {
      return await new Promise((resolve, reject) => {
        const entry: Entry = { ...saved, refusals: 0, resolve, reject };
        takeBack = () => entry.isSent ?? this.refuse(key, signal!.reason);
        signal?.addEventListener('abort', takeBack);
        this.#set(entry);
        this.flush();
      });
    } finally {
      signal?.removeEventListener('abort', takeBack);
    }
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
    for (const entry of this.#entries.values()) entry.isSent &&= false;
  }

  /** It would be refused for ever. */
  refuse(key: string, error: Error): void {
    const entry = this.#entries.get(key);
    if (entry) this.#settle(entry, () => entry.reject(error));
  }

  /** Gives up in this page: a storage keeps its items. */
  abandon(error: Error): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    if (entries.length > 0) this.#changed();
    for (const { reject } of entries) reject(error);
  }

  #set(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#changed();
  }

  #changed(): void {
    this.#waiting = undefined;
    this.#context.onWaiting();
  }

  #send(entry: Entry): void {
    entry.isSent = true;
    this.#context.session.ask('pub', partsOf(entry), {
      ok: (result) => {
        this.#window = Math.min(this.#window + 1 / this.#window, MOST);
        this.#settle(entry, () => entry.resolve?.((result as Published | null)?.at));
      },
      err: (error) => this.#refused(entry, error),
      lost() {},
    });
  }

  #refused(entry: Entry, error: ProtocolError): void {
    const { session } = this.#context;
    entry.refusals += 1;
    entry.isSent = false;
    if (isPassing(error) && entry.refusals < ATTEMPTS) {
      this.#window = 1;
      const retry = () => {
        this.#held.delete(entry.channel);
        this.flush();
      };
      this.#held.get(entry.channel)?.();
      this.#held.set(entry.channel, session.retry(error, entry.refusals - 1, retry));
    } else this.#settle(entry, () => entry.reject(error));
  }

  #settle(entry: Entry, tell: () => void): void {
    if (this.#entries.get(entry.key) !== entry) return;
    this.#entries.delete(entry.key);
    this.#changed();
    const { storage, url } = this.#context.settings;
    this.#attempt(() => storage?.remove(url, entry.key));
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
}

export function noChannel(name: string): ProtocolError {
  return new ProtocolError('BAD_CHANNEL', `${JSON.stringify(name)} is not a channel name: use encodeURIComponent`);
}

function partsOf({ channel, data, options }: Saved): string {
  return `${JSON.stringify(channel)},${data},${JSON.stringify(options)}]`;
}
