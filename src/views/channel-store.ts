import type { Client, GapEvent, Message, PublicationOptions, Subscription } from '../client/index.ts';
import type { Position } from '../protocol/index.ts';
import { readOlder } from './older.ts';
import type { ChannelActions, ChannelSnapshot, ChannelViewOptions, PresenceSnapshot, Publishing } from './options.ts';
import { type Row, Rows } from './rows.ts';
import { Changing } from './view.ts';

const LIMIT = 1_000;
const PAGE = 50;

const NOBODY: PresenceSnapshot = { members: new Map(), count: 0 };

/** What there is of a channel before it is subscribed to, and on a server. */
export const NOTHING: ChannelSnapshot<never> = {
  messages: [],
  presence: NOBODY,
  state: 'waiting',
  error: undefined,
  data: undefined,
  hasOlder: false,
  isLoadingOlder: false,
  gap: undefined,
};

/** What the stores of one client share. */
export interface Shared {
  /** By channel and options. A publication is shown in all of its channel. */
  readonly stores: Map<string, ChannelStore>;
  /** The keys of publications whose promise will tell what became of them. */
  readonly own: Set<string>;
}

/** A subscription to a channel, and what there is to show of it. Several components share one. */
export class ChannelStore<T = unknown> implements ChannelActions<T> {
  readonly channel: string;
  readonly changing = new Changing<ChannelSnapshot<T>>(() => this.#take());
  readonly #client: Client;
  readonly #options: ChannelViewOptions;
  readonly #shared: Shared;
  readonly #rows = new Rows<T>();
  readonly #offs: (() => void)[] = [];
  #subscription: Subscription<T> | undefined;
  #presence = NOBODY;
  #error: Error | undefined;
  #gap: GapEvent | undefined;
  /** The position before the oldest message that we have, if we have none. */
  #start: Position | undefined;
  #hasOlder = false;
  /** It was live before. */
  #isCaughtUp = false;
  /** The page that is being loaded. */
  #loading: object | undefined;
  /** Pages that were asked for are kept. */
  #limit: number;

  constructor(client: Client, channel: string, options: ChannelViewOptions, shared: Shared) {
    this.#client = client;
    this.channel = channel;
    this.#options = options;
    this.#shared = shared;
    this.#limit = options.limit ?? LIMIT;
  }

  start(): void {
    const { limit: _, ...wishes } = this.#options;
    const subscription = this.#client.subscribe(this.channel, wishes) as unknown as Subscription<T>;
    this.#subscription = subscription;
    this.#offs.push(
      subscription.on('message', (message) => this.#add(message)),
      subscription.on('presence', ({ members, count }) => {
        this.#presence = { members, count };
        this.changing.change();
      }),
      subscription.on('gap', (gap) => this.#lose(gap)),
      subscription.on('state', () => this.changing.change()),
      subscription.on('subscribed', () => {
        this.#begin();
        this.changing.change();
      }),
      subscription.on('live', () => this.#caughtUp()),
      subscription.on('error', (error) => {
        this.#error = error;
        this.changing.change();
      }),
      this.#client.on('waiting', () => this.#reconcile()),
    );
    this.#reconcile();
    // Another subscription to the channel may have been there before.
    this.#begin();
    if (subscription.count > 0) this.#presence = { members: subscription.presence, count: subscription.count };
    if (subscription.state === 'live') this.#caughtUp();
    this.changing.change();
  }

  stop(): void {
    for (const off of this.#offs.splice(0)) off();
    this.#subscription?.unsubscribe();
  }

  publish = (data: T, options: PublicationOptions = {}): Publishing => {
    this.#client.open();
    const before = this.#client.unacknowledged;
    const published = this.#client.publish(this.channel, data as never, options);
    // It is in the outbox already, unless it is not kept or was refused.
    const isWaiting = this.#client.unacknowledged > before;
    const key = isWaiting ? this.#client.waiting.at(-1)?.key : undefined;
    if (key !== undefined) {
      const { own } = this.#shared;
      own.add(key);
      this.#forAll((rows) => rows.send(key, data, options.event));
      published
        .then(
          (position) => this.#forAll((rows) => rows.settle(key, position)),
          (error) => this.#forAll((rows) => (options.signal?.aborted ? rows.discard(key) : rows.fail(key, error))),
        )
        .then(() => own.delete(key));
    }
    return Object.assign(published, { key });
  };

  loadOlder = async (count = PAGE): Promise<void> => {
    const before = this.#rows.first ?? this.#start;
    const subscription = this.#subscription;
    if (!before || !subscription || this.#loading || !this.#hasOlder) return;
    const loading = {};
    this.#loading = loading;
    this.changing.change();
    try {
      const page = await readOlder((options) => subscription.history(options), before, count);
      if (this.#loading !== loading) return;
      this.#hasOlder = page?.hasOlder ?? false;
      this.#limit += page?.messages.length ?? 0;
      for (const message of page?.messages ?? []) this.#rows.add(message);
    } finally {
      if (this.#loading === loading) {
        this.#loading = undefined;
        this.changing.change();
      }
    }
  };

  setMember = async (member: unknown): Promise<void> => {
    await this.#subscription?.setMember(member);
  };

  retry = (row: Row<T>): Publishing | undefined => {
    if (row.status !== 'failed') return undefined;
    this.discard(row);
    return this.publish(row.data, row.event === undefined ? {} : { event: row.event });
  };

  discard = ({ status, key }: Row<T>): void => {
    if (status === 'failed') this.#forAll((rows) => rows.discard(key!));
  };

  /** Whether the log may have something before the oldest message that we have. */
  get #couldHaveOlder(): boolean {
    const { recent = 0 } = this.#options;
    const first = this.#rows.first ?? this.#start;
    // The log had less than was asked for.
    const isAll = recent > 0 && this.#rows.stored > 0 && this.#rows.stored < Math.min(recent, this.#limit);
    return first !== undefined && first[1] > 1 && !isAll;
  }

  #take(): ChannelSnapshot<T> {
    const subscription = this.#subscription;
    return {
      messages: this.#rows.all,
      presence: this.#presence,
      state: subscription?.state ?? 'waiting',
      error: this.#error,
      data: subscription?.data,
      hasOlder: this.#hasOlder,
      isLoadingOlder: this.#loading !== undefined,
      gap: this.#gap,
    };
  }

  #begin(): void {
    const { position } = this.#subscription!;
    if (position) this.#start ??= [position[0], position[1] + 1];
  }

  #caughtUp(): void {
    this.#reconcile();
    if (!this.#isCaughtUp) this.#hasOlder = this.#couldHaveOlder;
    this.#isCaughtUp = true;
    this.changing.change();
  }

  #add(message: Message<T>): void {
    const hasChanged = this.#rows.add(message);
    const isTrimmed = this.#rows.trim(this.#limit);
    if (isTrimmed) this.#hasOlder = true;
    if (hasChanged || isTrimmed) this.changing.change();
  }

  /** What we have is not what comes next: start again with the newest that the log has. */
  #lose(gap: GapEvent): void {
    this.#gap = gap;
    this.#rows.clear();
    this.#start = [gap.epoch, gap.head + 1];
    this.#limit = this.#options.limit ?? LIMIT;
    this.#hasOlder = gap.head >= gap.oldest;
    this.#loading = undefined;
    this.changing.change();
    const { recent = 0 } = this.#options;
    // When that fails, a person can ask again.
    if (recent > 0) this.loadOlder(recent).catch(() => {});
  }

  /**
   * What others than our `publish` have published, such as an earlier page, is shown while it waits. After that it is
   * stored, and its message is there already, or its publisher was told the error.
   */
  #reconcile(): void {
    const waiting = this.#client.waiting.filter(({ channel }) => channel === this.channel);
    const keys = new Set(waiting.map(({ key }) => key));
    const gone = this.#rows.pending.filter(
      ({ status, key }) => status === 'sending' && !keys.has(key!) && !this.#shared.own.has(key!),
    );
    const changes = [
      ...waiting.map(({ key, data }) => this.#rows.send(key, data as T)),
      ...gone.map(({ key }) => this.#rows.discard(key!)),
    ];
    if (changes.includes(true)) this.changing.change();
  }

  #forAll(change: (rows: Rows) => boolean): void {
    for (const store of this.#shared.stores.values())
      if (store.channel === this.channel && change(store.#rows)) store.changing.change();
  }
}
