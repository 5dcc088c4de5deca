import type { Gap, Position } from '../protocol/index.ts';
import type { Message } from './messages.ts';

/** Publications that the server sends ahead while catching up, and that one request fetches: a page of its log. */
export const PAGE = 256;
/** Messages queued for one reader: some megabytes of chat, and most bursts. */
const BACKLOG = 2_048;

/** What a cursor needs of its feed. */
export interface CursorFeed {
  readonly channel: string;
  readonly isPattern: boolean;
  readonly context: { load(): Promise<{ catchUp(cursor: Cursor, feed: CursorFeed): void }> };
  /** Of the last publication received. */
  readonly position: Position | undefined;
  /** Lets the server send more, if a cursor has room. */
  credit(): void;
  end(error: Error): void;
}

/**
 * One reader's position in a channel: a loop's, the one that all listeners share, or one without a reader yet. Messages
 * queue here, up to a limit. Beyond it they are dropped, and fetched from the log once there is room. So nobody waits
 * for a slow reader, no membership ends because of one, and the reader loses nothing.
 */
export class Cursor {
  /** Of the last message taken. Undefined before the first answer, and for a pattern. */
  position: Position | undefined;
  /** The next messages are not queued here: they must be fetched from the log. */
  isBehind = false;
  /** Called when there is something to take; undefined without a reader. */
  wake: (() => void) | undefined;
  /** Of the last publication received, where everything before it was received or reported as lost. */
  received: Position | undefined;
  /** Up to this offset it receives what the log has, and the rest is no loss. */
  until = 0;
  isOver = false;
  /** Ends the pause before the log is asked again. */
  cancelRetry = () => {};
  readonly #feed: CursorFeed;
  readonly #onGap: (gap: Gap | undefined) => void;
  readonly #onChange: () => void;
  readonly #waiting: Message[] = [];
  #isAsking = false;

  /**
   * `onGap` is called with what is lost, or undefined if that is unknown; `onChange` when it falls behind or catches
   * up.
   */
  constructor(feed: CursorFeed, onGap: (gap: Gap | undefined) => void, onChange: () => void) {
    this.#feed = feed;
    this.#onGap = onGap;
    this.#onChange = onChange;
  }

  get hasRoom(): boolean {
    return !this.isBehind && this.#waiting.length < PAGE / 2;
  }

  /**
   * From here on it receives everything, unless it has begun already. Up to the offset `until`: what the log has of it.
   */
  begin(position: Position | undefined, until = 0): void {
    if (this.received || !position) return;
    this.until = until;
    this.#moveTo(position);
  }

  /** `position`: the message's position in the feed's own log, if it has one. */
  receive(message: Message, position: Position | undefined): void {
    const received = this.received;
    if (position && (!received || position[1] <= received[1])) return;
    if (!this.isBehind && ((position && position[1] > received![1] + 1) || this.#waiting.length > BACKLOG)) {
      this.isBehind = true;
      this.#onChange();
    }
    if (this.isBehind) this.#fetch();
    else this.#push(message, position ?? received);
  }

  /** There is nothing for us up to `position`. False when that is not new. */
  skip(from: number, position: Position): boolean {
    const [, offset] = this.received ?? position;
    if (this.isBehind || offset < from - 1 || offset >= position[1]) return false;
    this.#moveTo(position);
    return true;
  }

  /** The server has lost something. What came before it may still be in the log. */
  onGap(gap: Gap): void {
    const received = this.received;
    if (received?.[0] === gap.epoch && received[1] >= gap.oldest - 1) this.isBehind = true;
    else if (!this.isBehind) this.#lose(gap);
    this.#fetch();
  }

  /** The feed is live: a cursor that is elsewhere catches up with it. */
  onLive(): void {
    if (this.#feed.isPattern) return;
    this.isBehind ||= !this.#hasCaughtUp(0);
    this.#fetch();
  }

  take(): Message | undefined {
    const message = this.#waiting.shift();
    if (message && this.received) {
      this.position = this.#waiting.length > 0 ? (message.position ?? this.position) : this.received;
      this.#fetch();
      this.#feed.credit();
    } else if (message) this.#fetch();
    return message;
  }

  end(): void {
    this.isOver = true;
    this.cancelRetry();
    this.wake?.();
  }

  #push(message: Message, received: Position | undefined): void {
    this.received = received;
    this.#waiting.push(message);
    this.wake?.();
  }

  #moveTo(position: Position): void {
    this.received = position;
    if (this.#waiting.length === 0) this.position = position;
  }

  #lose(gap: Omit<Gap, 'have'>): void {
    const have = this.received;
    this.#moveTo([gap.epoch, gap.head]);
    if (have) this.#onGap({ ...gap, have });
  }

  /** Fetches what comes next, if that is possible and there is room for it. */
  #fetch(): void {
    const { isPattern, context } = this.#feed;
    if (!this.isBehind || this.#isAsking || this.isOver || this.#waiting.length >= PAGE / 2) return;
    if (isPattern) {
      // A pattern has no log.
      this.#onGap(undefined);
      this.#caughtUp();
    } else {
      this.#isAsking = true;
      context.load().then(
        (extras) => extras.catchUp(this, this.#feed),
        (error) => this.#feed.end(error),
      );
    }
  }

  /**
   * What comes next, from the log: from `start` on if that is not where it was, after what is lost. Without messages: it
   * could not be asked, and is again when the feed is live.
   */
  resume(messages?: readonly Message[], start?: Position, lost?: Omit<Gap, 'have'>): void {
    if (this.isOver) return;
    if (start) this.#moveTo(start);
    if (lost) this.#lose(lost);
    for (const message of messages ?? []) this.#push(message, message.position);
    this.#isAsking = false;
    if (!messages) return;
    if (this.#hasCaughtUp()) this.#caughtUp();
    // Nothing more for now: the feed does not know about the new log yet, but will hear of it.
    else if (start || messages.length > 0) this.#fetch();
  }

  /**
   * Whether it is where the feed is, or at most `ahead` further: a page may contain what the feed has not received yet.
   */
  #hasCaughtUp(ahead = Infinity): boolean {
    const [epoch, offset] = this.#feed.position!;
    const [own, at] = this.received!;
    return own === epoch && at >= offset && at - offset <= ahead;
  }

  #caughtUp(): void {
    this.isBehind = false;
    this.#onChange();
    this.#feed.credit();
  }
}
