import type { Member, Position, PublishOptions } from '../protocol/index.ts';
import { Emitter } from './emitter.ts';
import type { Feed, FeedState, Reader } from './feed.ts';
import { type HistoryOptions, type HistoryPage, type House, lookUpHistory } from './lookups.ts';
import { MessageQueue } from './message-queue.ts';
import type { GapEvent, Message, PresenceEvent, SkipEvent } from './messages.ts';
import { CLOSED } from './session.ts';

export interface SubscriptionEvents<T, Gaps = GapEvent> {
  message: Message<T>;
  presence: PresenceEvent;
  /** Messages are lost to this subscription: whatever was built from them is to be loaded anew. */
  gap: Gaps;
  skip: SkipEvent;
  /** Everything that was missed has come; what follows is live. */
  live: Position;
  state: FeedState;
  /** The server ended the subscription, or refused it. */
  error: Error;
}

/** Messages kept for whoever comes to read them a little after `subscribe`; if nobody does, they are let go. */
const EARLY = 1_024;

/**
 * One reader of one channel, or of the channels of a pattern: gets `T`, and publishes `Input`. Made by
 * `client.subscribe`; several of one channel share its line.
 */
export class Subscription<T = unknown, Input = T, Gaps = GapEvent> implements AsyncIterable<Message<T>> {
  readonly channel: string;
  readonly #house: House;
  readonly #feed: Feed;
  readonly #emitter = new Emitter<SubscriptionEvents<T, Gaps>>();
  readonly #queues = new Set<MessageQueue<Message<T>>>();
  readonly #reader: Reader;
  #position: Position | undefined;
  #early: Message<T>[] | undefined = [];
  #isOver = false;
  #error: Error | undefined;

  constructor(house: House, feed: Feed) {
    this.#house = house;
    this.#feed = feed;
    this.channel = feed.channel;
    this.#reader = this.#asReader();
  }

  /** For the client: begins to listen. */
  start(since: Position | undefined): this {
    this.#feed.add(this.#reader, since);
    return this;
  }

  get state(): FeedState {
    return this.#isOver ? 'ended' : this.#feed.state;
  }

  /**
   * Of the last message; to be saved, and given as `since` to the next `subscribe`. Undefined before the first answer,
   * and for a pattern, whose messages have one each, in their channels.
   */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Who is here, by member id; empty unless `presence` was asked for, or where the channel only counts. */
  get presence(): ReadonlyMap<string, Member> {
    return this.#feed.presence.members;
  }

  /** How many are here. */
  get count(): number {
    return this.#feed.presence.count;
  }

  /** Calls `listener` at each event. The answer stops it. */
  on<Name extends keyof SubscriptionEvents<T, Gaps>>(
    name: Name,
    listener: (event: SubscriptionEvents<T, Gaps>[Name]) => void,
  ): () => void {
    const off = this.#emitter.on(name, listener);
    if (name === 'message') for (const message of this.#takeEarly()) this.#emitter.emit('message', message);
    return off;
  }

  /**
   * Resolves with its position once it is in the channel's log; survives a lost connection, and is stored once however
   * often it has to be sent. Rejects with a ProtocolError: the server's code, OUTBOX_FULL, or CLOSED.
   */
  async publish(data: Input, options: Omit<PublishOptions, 'key'> = {}): Promise<Position | undefined> {
    if (this.#isOver) throw this.#error ?? CLOSED;
    return this.#house.outbox.publish(this.channel, data, options);
  }

  /** A page of the channel's log. Rejects with the server's code, TIMEOUT or CLOSED. */
  history(options?: HistoryOptions): Promise<HistoryPage<T>> {
    return lookUpHistory(this.#house, this.channel, options);
  }

  /** Ends it, and the loops over it after what they have queued. */
  unsubscribe(): void {
    this.#feed.remove(this.#reader);
    this.#end();
  }

  /** Several loops each get everything. Leaving a loop early does not end the subscription. */
  [Symbol.asyncIterator](): AsyncIterator<Message<T>, undefined> {
    const queue: MessageQueue<Message<T>> = new MessageQueue(
      () => this.#feed.onRoom(),
      () => {
        this.#queues.delete(queue);
        this.#feed.onRoom();
      },
    );
    for (const message of this.#takeEarly()) queue.push(message);
    if (this.#isOver) queue.end(this.#error);
    else this.#queues.add(queue);
    return queue;
  }

  #takeEarly(): Message<T>[] {
    const early = this.#early ?? [];
    this.#early = undefined;
    return early;
  }

  #asReader(): Reader {
    const subscription = this;
    const { channel } = this;
    const emit = this.#emitter.emit.bind(this.#emitter) as Emitter<SubscriptionEvents<T, Gaps>>['emit'];
    return {
      get position() {
        return subscription.#position;
      },
      get backlog() {
        let most = 0;
        for (const { length } of subscription.#queues) most = Math.max(most, length);
        return most;
      },
      begin: (position) => {
        this.#position = position;
      },
      onMessage: (message, position) => this.#receive(message as Message<T>, position),
      onGap: (gap) => emit('gap', { channel, ...gap } as Gaps),
      emit,
      onSkip: (from, to) => {
        if (!this.#position || this.#position[1] >= to) return;
        this.#position = [this.#position[0], to];
        emit('skip', { channel, from, to });
      },
      onState: (state) => {
        emit('state', state);
        const { position } = this.#feed;
        if (state === 'live' && position) emit('live', position);
      },
      onEnd: (error) => this.#end(error),
    };
  }

  #receive(message: Message<T>, position: Position): void {
    if (position[1] > 0) {
      // Another reader of this channel may have wished for more of the past.
      if (!this.#position || this.#position[1] >= position[1]) return;
      this.#position = position;
    }
    this.#early?.push(message);
    if (this.#early && this.#early.length > EARLY) this.#early = undefined;
    for (const queue of this.#queues) queue.push(message);
    this.#emitter.emit('message', message);
  }

  #end(error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    for (const queue of this.#queues) queue.end(error);
    this.#queues.clear();
    if (error) this.#emitter.emit('error', error);
  }
}
