import type { Position } from '../protocol/index.ts';

/**
 * Where channels' logs live, and how this process hears what is appended to them. Every implementation passes
 * test/contract/broker.test.ts.
 *
 * Each channel has a log of its own: contiguous offsets from 1, under an epoch that names this very log. The epoch
 * changes when the log loses its identity (it was forgotten, or its store was lost), and only then.
 *
 * A log that is empty and was not published to for some time may be forgotten, as if by `forget`.
 *
 * No call takes or gives more than the page that was asked for, so that a log may be larger than memory.
 */
export interface Broker {
  /** Call once, before all else. Rejects with a code when the store cannot be had. */
  open(): Promise<void>;

  /**
   * Appends, and resolves once it is as durable as this broker promises. Publications of one process to one channel
   * get their offsets in the order of the calls.
   *
   * With a key that was used in this channel within the key window, nothing is appended: the answer is the first
   * one's position, with `duplicate` set; or the rejection KEY_REUSED, when the data is not the same text.
   *
   * Time alone makes a broker forget a key, and no other publication: where too many are known at a time, another one is
   * refused with LOG_BUSY, and without a key it is not.
   *
   * Rejects with LOG_LOCKED, LOG_FULL, LOG_READ_ONLY, LOG_FAILED, LOG_BUSY or LOG_CLOSED. Then nothing was stored, or
   * (LOG_FAILED, with a store behind a network) that is not known, and repeating it with its key is safe.
   */
  publish(channel: string, publication: Publication): Promise<Receipt>;

  /** A page of what came after a position, ascending; or, explicitly, the gap. */
  read(channel: string, after: Position, bounds?: PageBounds): Promise<Page | LogGap>;

  /**
   * The log's identity and ends. Of a channel that has no log: those of the empty log that its first publication will
   * make, so that a position in it stays true. Asking stores nothing, here, in `read` and in `trim`.
   */
  state(channel: string): Promise<LogState>;

  /** Lets go of all but the newest `size` entries, and of those older than `ttl`; the log keeps its identity. */
  trim(channel: string, keep: Keep): Promise<LogState>;

  /** Lets go of the log and its identity: whatever comes next stands under another epoch, which was never used before. */
  forget(channel: string): Promise<void>;

  /**
   * Calls `listener` with everything appended from now on to a channel, or to the channels of a pattern, by this
   * process or another: in the order of offsets, once it is durable, and before this process's own `publish`
   * resolves. What fails to arrive shows as a missing offset, and is to be read from the log. Call the answer to stop.
   */
  watch(channelOrPattern: string, listener: Listener): Promise<() => void>;

  /** Waits for what was published, lets go of the store. Later calls reject with LOG_CLOSED. */
  close(): Promise<void>;
}

export interface Publication {
  /** JSON text, passed on and compared as it is. */
  data: string;
  /** JSON text that travels with it; not compared. */
  meta?: string | null;
  key?: string;
  /** Who answers for the key, so that none takes all the room that there is for keys. Absent: the server itself. */
  owner?: string;
  /** How much of the log to keep from now on. Default `DEFAULT_KEEP`. */
  keep?: Keep;
  /** Comes back with the entry to this process's own watchers, and is neither stored nor known to anybody else. */
  origin?: object;
}

/** How much of a log stays. What either bound excludes is gone for readers at once, and from the store soon after. */
export interface Keep {
  /** Entries. 0 keeps none: offsets are counted all the same. */
  size: number;
  /**
   * Milliseconds that an entry is kept. Infinity: as long as `size` allows. A wrong clock neither deletes nor keeps
   * anything: see log-time.ts.
   */
  ttl: number;
}

/** A day's talk in a busy room; a week is how long a phone may lie in a drawer and still miss nothing. */
export const DEFAULT_KEEP: Keep = { size: 1_000, ttl: 7 * 24 * 3_600_000 };

export interface Receipt {
  position: Position;
  /** The key was known: nothing was appended now. */
  duplicate: boolean;
}

export interface Entry {
  offset: number;
  /** Milliseconds since 1970, by the clock of that moment; less than the entry before it only where that was set back. */
  time: number;
  data: string;
  meta: string | null;
  /** As `Publication` has it; never of what is read from the log. */
  origin?: object;
}

export interface LogState {
  epoch: string;
  /** Oldest offset still in the log; `head` + 1 when it is empty. */
  oldest: number;
  /** Newest offset ever given; 0 when nothing was published yet. */
  head: number;
}

export interface PageBounds {
  /** Entries; default 256. */
  limit?: number;
  /** Bytes of data and meta as UTF-8; default 1 MiB. The first entry comes even when it alone has more. */
  bytes?: number;
}

/** `entries` is empty only when the position was the head. */
export interface Page extends LogState {
  gap?: undefined;
  entries: Entry[];
}

export interface LogGap extends LogState {
  /**
   * `trimmed`: what came directly after `have` is no longer kept. `epoch`: `have` is of another log. `future`: no
   * such offset was ever given.
   */
  gap: 'trimmed' | 'epoch' | 'future';
  have: Position;
}

export type Listener = (channel: string, epoch: string, entries: readonly Entry[]) => void;

export const DEFAULT_LIMIT = 256;
export const DEFAULT_BYTES = 1 << 20;

/** Why reading on from `have` would leave something out, or undefined when it would not. */
export function gapBetween(have: Position, log: LogState): LogGap | undefined {
  const [epoch, offset] = have;
  const gap =
    epoch !== log.epoch ? 'epoch' : offset > log.head ? 'future' : offset < log.oldest - 1 ? 'trimmed' : undefined;
  return gap && { gap, have, epoch: log.epoch, oldest: log.oldest, head: log.head };
}

/** What an entry counts against bounds of bytes. */
export function sizeOf(data: string, meta: string | null): number {
  return Buffer.byteLength(data) + (meta === null ? 0 : Buffer.byteLength(meta));
}
