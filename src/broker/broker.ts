import type { Position } from '../protocol/index.ts';

/**
 * Stores channels' logs, and notifies this process of what is appended to them. Every implementation passes
 * test/contract/broker.contract.ts.
 *
 * Each channel has its own log: contiguous offsets from 1, under an epoch that identifies the log. The epoch changes
 * when the log loses its identity (it was forgotten, or its store was lost), and only then.
 *
 * A log that is empty and was not published to for some time may be forgotten: the next publication
 * has another epoch.
 *
 * No call takes or returns more than the requested page, so that a log may be larger than memory.
 */
export interface Broker {
  /** Call once, before all else. Rejects with a code when the store cannot be opened. */
  open(): Promise<void>;

  /**
   * Appends, and resolves once the publication is as durable as this broker promises. Publications of one process to
   * one channel get their offsets in the order of the calls.
   *
   * If the key was used in this channel within the key window, nothing is appended: the result is the first
   * publication's position, with `duplicate` set; or it rejects with KEY_REUSED, if `sent` (or else the data) is not the
   * same text.
   *
   * A broker forgets a key only after that time, and never because of other publications: when too many are known, a
   * publication with a new key is refused with LOG_BUSY, and one without a key is not.
   *
   * Rejects with LOG_LOCKED, LOG_FULL, LOG_READ_ONLY, LOG_UNREACHABLE, LOG_DENIED, LOG_UNSUITABLE, LOG_FAILED, LOG_BUSY
   * or LOG_CLOSED. Then nothing was stored, or (LOG_FAILED, with a store behind a network) that is unknown, and
   * repeating it with its key is safe.
   */
  publish(channel: string, publication: Publication): Promise<Receipt>;

  /** A page of what came after a position, ascending; or an explicit gap. */
  read(channel: string, after: Position, bounds?: PageBounds): Promise<Page | LogGap>;

  /**
   * The log's identity and ends. For a channel without a log: those of the empty log that its first publication will
   * create, so that a position in it stays valid. Asking stores nothing, here and in `read`.
   */
  state(channel: string): Promise<LogState>;

  /**
   * Calls `listener` with everything appended from now on to a channel, or to the channels of a pattern, by this
   * process or another: in the order of offsets, once it is durable, and before this process's own `publish` resolves.
   * A lost notification shows as a missing offset, which has to be read from the log. Returns a function that stops it.
   */
  watch(channelOrPattern: string, listener: Listener): Promise<() => void>;

  /** Waits for pending publications, then closes the store. Later calls reject with LOG_CLOSED. */
  close(): Promise<void>;
}

/**
 * What a broker may offer besides: logs that the program which made the broker can shorten and delete. The hub needs
 * neither, so a broker without them is complete.
 */
export interface Erasable {
  /** Deletes all but the newest `size` entries, and those older than `ttl`; the log keeps its identity. Creates no log. */
  trim(channel: string, keep: Keep): Promise<LogState>;

  /** Deletes the log and its identity: the next publication has another epoch, which was never used before. */
  forget(channel: string): Promise<void>;
}

/** What a broker may offer besides: entries whose data can be changed in the log. */
export interface Rewritable {
  /**
   * Puts other data and metadata in the place of an entry's, and keeps its offset and time. It is as durable as the next
   * publication of this process to the channel. Nobody is told. False: the log has no such entry (any more), or is
   * another log, and nothing was changed. Rejects as `publish` does.
   */
  rewrite(channel: string, at: Position, entry: { data: string; meta: string | null }): Promise<boolean>;
}

export function isRewritable(broker: Broker): broker is Broker & Rewritable {
  return 'rewrite' in broker;
}

export interface Publication {
  /** JSON text, passed on and compared unchanged. */
  data: string;
  /** JSON text with metadata; not compared. */
  meta?: string | null;
  key?: string;
  /** Compared in place of `data`, where that is not what the key's owner sent: JSON text. */
  sent?: string;
  /** The owner of the key, so that none takes all the room for keys. Absent: the server itself. */
  owner?: string;
  /** How much of the log to keep from now on. Default `DEFAULT_KEEP`. */
  keep?: Keep;
  /** Returned with the entry to this process's own watchers; neither stored nor sent to anybody else. */
  origin?: object;
  /**
   * The same object for publications that must not pass each other, though nobody waits for one before the next: after
   * one that was refused with LOG_…, all that follow are refused with the same error. Behind a network that holds for
   * those of one channel.
   */
  sequence?: object;
  /** True keeps it out of the queues of a broker that has some: see queueing.ts. Default false. */
  isUnqueued?: boolean;
  /** True has a store that several processes share remember it: see follow-ups.ts. Default false. */
  needsFollowUp?: boolean;
}

/** How much of a log is kept. Entries outside of either limit are invisible at once, and deleted soon after. */
export interface Keep {
  /** Entries. 0 keeps none, but offsets are still counted. */
  size: number;
  /**
   * Milliseconds that an entry is kept. Infinity: as long as `size` allows. A wrong clock neither deletes nor keeps
   * anything: see log-time.ts.
   */
  ttl: number;
}

/** A day's messages in a busy room; a phone that was offline for a week still misses nothing. */
export const DEFAULT_KEEP: Keep = { size: 1_000, ttl: 7 * 24 * 3_600_000 };

export interface Receipt {
  position: Position;
  /** The key was known: nothing was appended. */
  duplicate: boolean;
}

export interface Entry {
  offset: number;
  /**
   * Milliseconds since 1970, by the clock of that moment; smaller than the previous entry's only if the clock was set
   * back.
   */
  time: number;
  data: string;
  meta: string | null;
  /** As in `Publication`; never set on what is read from the log. */
  origin?: object;
}

export interface LogState {
  epoch: string;
  /** The oldest offset still in the log; `head` + 1 when it is empty. */
  oldest: number;
  /** The newest offset ever assigned; 0 when nothing was published yet. */
  head: number;
}

export interface PageBounds {
  /** Entries; default 256. */
  limit?: number;
  /** Bytes of data and meta as UTF-8; default 1 MiB. The first entry is returned even if it alone has more. */
  bytes?: number;
}

/** `entries` is empty only when the position was the head. */
export interface Page extends LogState {
  gap?: undefined;
  entries: Entry[];
}

export interface LogGap extends LogState {
  /**
   * `trimmed`: what came directly after `have` is no longer kept. `epoch`: `have` belongs to another log. `future`: that
   * offset was never assigned.
   */
  gap: 'trimmed' | 'epoch' | 'future';
  have: Position;
  /**
   * With `epoch`: up to this offset of this log, a reader with the position `have` has seen everything. Set when the log
   * goes on under another epoch, since its store may have lost its end. Absent: nothing is known of what it has seen.
   */
  continues?: number;
}

/** What a broker may offer besides, if its store is behind a network. */
export interface Reachable {
  /** What is wrong with its connections, in words; undefined when all is well. */
  trouble(): string | undefined;
}

export type Listener = (channel: string, epoch: string, entries: readonly Entry[]) => void;

export const DEFAULT_LIMIT = 256;
export const DEFAULT_BYTES = 1 << 20;

/** Why reading on from `have` would miss something, or undefined if it would not. */
export function gapBetween(have: Position, log: LogState): LogGap | undefined {
  const [epoch, offset] = have;
  const gap =
    epoch !== log.epoch ? 'epoch' : offset > log.head ? 'future' : offset < log.oldest - 1 ? 'trimmed' : undefined;
  return gap && { gap, have, epoch: log.epoch, oldest: log.oldest, head: log.head };
}

/** The size of an entry for limits in bytes. */
export function sizeOf(data: string, meta: string | null): number {
  return Buffer.byteLength(data) + (meta === null ? 0 : Buffer.byteLength(meta));
}
