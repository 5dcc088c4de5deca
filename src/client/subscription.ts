import type { Member, Position } from '../protocol/index.ts';
import type { ClientContext } from './context.ts';
import { Cursor } from './cursor.ts';
import { Emitter } from './emitter.ts';
import type { Feed, FeedState, Reader } from './feed.ts';
import type { HistoryOptions, HistoryPage } from './lookups.ts';
import type { GapEvent, Message, PresenceEvent, SkipEvent } from './messages.ts';
import type { PublicationOptions } from './outbox.ts';
import { CLOSED } from './session.ts';

export interface SubscriptionEvents<T, Gaps = GapEvent> {
  /** The server has accepted it, also again after a reconnect: with the first data, or undefined if it has none. */
  subscribed: unknown;
  message: Message<T>;
  presence: PresenceEvent;
  /** Messages were lost for this subscription: reload what was built from them. */
  gap: Gaps;
  skip: SkipEvent;
  /** Everything missed has been delivered; what follows is live. */
  live: Position;
  state: FeedState;
  /** The server ended the subscription, or refused it. Without a listener, the client emits its `error`. */
  error: Error;
}

/**
 * A subscription to one channel, or to the channels of a pattern: receives `T`, and publishes `Input`. Made by
 * `client.subscribe`; several to the same channel share one feed.
 *
 * Messages that arrive before the first loop or listener wait for it. After that each loop reads at its own pace, and
 * listeners are called as messages arrive: nobody waits for another.
 */
export class Subscription<T = unknown, Input = T, Gaps = GapEvent> implements AsyncIterable<Message<T>> {
  readonly channel: string;
  /** As for the client: Vue makes no Proxy of it. */
  readonly __v_skip = true;
  readonly #context: ClientContext;
  readonly #feed: Feed;
  readonly #emitter = new Emitter<SubscriptionEvents<T, Gaps>>();
  readonly #cursors = new Set<Cursor>();
  readonly #reader: Reader;
  /** Shared by all listeners of `message`. */
  #listening: Cursor | undefined;
  /** The state that was last emitted. */
  #state: FeedState | undefined;
  #told: Position | undefined;
  #isOver = false;
  #error: Error | undefined;

  constructor(context: ClientContext, feed: Feed, since: Position | undefined, recent: number, wishes: string) {
    this.#context = context;
    this.#feed = feed;
    this.channel = feed.channel;
    this.#reader = {
      cursors: this.#cursors,
      recent,
      wishes,
      emit: this.#emitter.emit.bind(this.#emitter) as Reader['emit'],
      onState: () => this.#refresh(),
      onEnd: (error) => this.#end(error),
    };
    this.#newCursor();
    feed.add(this.#reader, since);
    this.#state = this.state;
  }

  get state(): FeedState {
    const { state } = this.#feed;
    const isLate = state === 'live' && [...this.#cursors].some(({ isBehind, wake }) => isBehind && wake);
    return this.#isOver ? 'ended' : isLate ? 'catchingUp' : state;
  }

  /**
   * The position of the last message read, by the slowest of its loops and the listeners. Save it, and pass it as
   * `since` to the next `subscribe`. Undefined before the first answer, and for a pattern, whose messages each have a
   * position in their own channel.
   */
  get position(): Position | undefined {
    const positions = [...this.#cursors].map(({ position }) => position);
    // A position in another log counts as earlier: that log is older, or its reader has not reached the new one yet.
    return positions.reduce((a, b) =>
      a && b && (a[0] === b[0] ? b[1] < a[1] : a[0] === this.#feed.position?.[0]) ? b : a,
    );
  }

  /**
   * The first data that the server had for this subscriber at its last answer: it is renewed after each reconnect. What
   * is published after it comes as messages. Undefined before the first answer, and where the server has none.
   */
  get data(): unknown {
    return this.#feed.data;
  }

  /** The members present, by id; empty unless `presence` was requested, or where the channel only counts. */
  get presence(): ReadonlyMap<string, Member> {
    return this.#feed.presence.members;
  }

  /** How many members are present. */
  get count(): number {
    return this.#feed.presence.count;
  }

  /** Calls `listener` at each event. Returns a function that removes it. */
  on<Name extends keyof SubscriptionEvents<T, Gaps>>(
    name: Name,
    listener: (event: SubscriptionEvents<T, Gaps>[Name]) => void,
  ): () => void {
    const off = this.#emitter.on(name, listener);
    if (name !== 'message') return off;
    if (!this.#listening) {
      const cursor = this.#adopt();
      this.#listening = cursor;
      cursor.wake = () => {
        while (cursor.wake && !this.#isOver) {
          const next = cursor.take();
          if (!next) break;
          this.#emitter.emit('message', next as Message<T>);
        }
      };
      cursor.wake();
    }
    return () => {
      off();
      if (!this.#listening || this.#emitter.has(name)) return;
      this.#release(this.#listening);
      this.#listening = undefined;
    };
  }

  /**
   * Resolves with the position once it is in the channel's log. Survives a lost connection, and is stored once however
   * often it is sent. With `keep: false` it resolves with undefined, and does not wait for a lost connection. Rejects
   * with a TypeError for data that JSON cannot represent, or with a ProtocolError: the server's code, OUTBOX_FULL,
   * CLOSED, or CONNECTION_LOST with `keep: false`.
   */
  async publish(data: Input, options?: PublicationOptions): Promise<Position | undefined> {
    if (this.#isOver) throw this.#error ?? CLOSED;
    return this.#context.outbox.publish(this.channel, data, options);
  }

  /**
   * Becomes a member, or changes the data that others see of the member. Undefined: is a member no longer. Resolves when
   * the server has accepted it, after the next connection if there is none; rejects with its code, or with CLOSED.
   */
  async setMember(data: unknown): Promise<void> {
    return (await this.#context.load()).people.setMember(this.#feed, this.#reader, data);
  }

  /** A page of the channel's log. Rejects with the server's code, TIMEOUT or CLOSED. */
  async history(options?: HistoryOptions): Promise<HistoryPage<T>> {
    return (await this.#context.load()).history(this.channel, options) as never;
  }

  /** Ends it; its loops end after what they have queued. */
  unsubscribe(): void {
    this.#feed.remove(this.#reader);
    this.#end();
  }

  /**
   * Each of several loops gets everything from its start on. Leaving a loop early does not end the subscription: what
   * it did not read waits for the next loop, unless another reader remains.
   */
  async *[Symbol.asyncIterator](): AsyncIterator<Message<T>, undefined> {
    const cursor = this.#adopt();
    try {
      for (;;) {
        const message = cursor.take();
        if (message) yield message as Message<T>;
        else if (!this.#isOver)
          await new Promise<void>((resolve) => {
            cursor.wake = resolve;
          });
        else if (this.#error) throw this.#error;
        else return undefined;
      }
    } finally {
      this.#release(cursor);
    }
  }

  /** A cursor for a new reader: the one without a reader, or a new one. */
  #adopt(): Cursor {
    let cursor = [...this.#cursors].find(({ wake }) => !wake);
    if (!cursor) {
      cursor = this.#newCursor();
      cursor.begin(this.#feed.position);
    }
    cursor.wake = () => {};
    this.#refresh();
    // The others may have no room.
    this.#feed.credit();
    return cursor;
  }

  /** The cursor of the last reader stays: messages wait in it for the next reader. */
  #release(cursor: Cursor): void {
    cursor.wake = undefined;
    if (this.#cursors.size > 1) {
      this.#cursors.delete(cursor);
      cursor.end();
    }
    this.#refresh();
  }

  #newCursor(): Cursor {
    const cursor = new Cursor(
      this.#feed,
      (gap) => {
        // Emitted once, even if several cursors have lost the same.
        if (gap && gap.have === this.#told) return;
        this.#told = gap?.have;
        this.#emitter.emit('gap', { channel: this.channel, ...gap } as Gaps);
      },
      () => this.#refresh(),
    );
    this.#cursors.add(cursor);
    return cursor;
  }

  /** Emits a new state. */
  #refresh(): void {
    const { state } = this;
    const { position } = this.#feed;
    if (this.#state === state) return;
    this.#state = state;
    this.#emitter.emit('state', state);
    if (state === 'live' && position) this.#emitter.emit('live', position);
  }

  #end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    const isHeard = [...this.#cursors].some((cursor) => cursor.wake && cursor !== this.#listening);
    for (const cursor of this.#cursors) cursor.end();
    this.#refresh();
    if (error && !this.#emitter.emit('error', error) && !isHeard) this.#context.report(error);
  }
}
