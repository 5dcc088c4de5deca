import type { ZocaloError } from '../../errors.ts';
import { type Client, reviveWhenEnded } from './driver.ts';
import { redisFailure, sentinelFailure, unreachable, wordOf } from './failure.ts';
import { slotOfName } from './keys.ts';

/** What a store's connections for subscriptions offer. */
export interface Feed {
  /** Rejects with a code when there is no connection; it is tried on until `close`. */
  open(): Promise<void>;
  /** Whether all topics are subscribed to. */
  readonly isHere: boolean;
  /** A connection stands, and nothing is heard by it. */
  readonly isDeaf: boolean;
  /**
   * Resolves when what is published to the topics comes here. Call `remove` later, unless it rejects. `isGlob`: they
   * are globs of topics.
   */
  add(topics: readonly string[], isGlob?: boolean): Promise<void>;
  remove(topics: readonly string[], isGlob?: boolean): void;
  close(): void;
}

export interface FeedOptions {
  readonly place: string;
  /** Sharded PUB/SUB: a server of a cluster has only the topics of its own slots. */
  readonly isSharded?: boolean;
  /** A topic that is always subscribed to. */
  readonly always?: string;
  readonly onMessage: (topic: string, message: string) => void;
  /** Called when all topics are subscribed to again. */
  readonly onBack: () => void;
  readonly onLost?: () => void;
  /** Called when a topic belongs to another server of the cluster, and is heard here no more. */
  readonly onMoved?: () => void;
}

interface Topic {
  readonly name: string;
  readonly isGlob: boolean;
  count: number;
  /** Settles with the server's answer to the first subscription. */
  confirmed: Promise<void>;
}

/** Topics in one command. */
const BATCH = 512;

/**
 * One connection with subscriptions. Topics are counted; what is added or removed in one turn of the event loop is one
 * command. After a lost connection all are subscribed to again, and `onBack` tells: what was published meanwhile is
 * lost.
 */
export class SingleFeed implements Omit<Feed, 'isDeaf'> {
  readonly #client: Client;
  readonly #options: FeedOptions;
  readonly #verbs: { subscribe: string; unsubscribe: string };
  readonly #topics = new Map<string, Topic>();
  #adding: Topic[] = [];
  #added: Promise<void> | undefined;
  #removing = new Set<string>();
  #scheduled = false;
  #isHere = false;
  /** The first try to connect is over, however it ended. */
  #tried = false;
  #closed = false;
  #connection = 0;
  #lastError: unknown;
  #onReady: () => void = () => {};
  #onFailed: (error: unknown) => void = () => {};

  constructor(client: Client, options: FeedOptions) {
    this.#client = client;
    this.#options = options;
    this.#verbs = options.isSharded
      ? { subscribe: 'ssubscribe', unsubscribe: 'sunsubscribe' }
      : { subscribe: 'subscribe', unsubscribe: 'unsubscribe' };
    const { always } = options;
    if (always !== undefined)
      this.#topics.set(idOf(always, false), { name: always, isGlob: false, count: 1, confirmed: Promise.resolve() });
  }

  get isHere(): boolean {
    return this.#isHere;
  }

  async open(): Promise<void> {
    const client = this.#client;
    const { place, onMessage } = this.#options;
    let isAsking = false;
    client.on('sentinelError', (error) => {
      isAsking = true;
      this.#lastError = sentinelFailure(place, error);
    });
    client.on('error', (error) => {
      if (!isAsking) this.#lastError = error;
      else this.#onFailed(this.#lastError);
      isAsking = false;
    });
    client.on('close', () => this.#lose());
    reviveWhenEnded(client, () => this.#closed);
    client.on('ready', () => void this.#resume());
    client.on(this.#options.isSharded ? 'smessage' : 'message', onMessage);
    client.on('pmessage', (_glob, topic, message) => onMessage(topic, message));
    client.on('moved', () => this.#options.onMoved?.());
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onReady = resolve;
        this.#onFailed = reject;
        client.connect().catch((error) => reject(this.#lastError ?? error));
      });
    } catch (error) {
      throw unreachable(place, error);
    } finally {
      this.#tried = true;
    }
  }

  async add(topics: readonly string[], isGlob = false): Promise<void> {
    if (!this.#isHere) throw this.#away();
    const waits = new Set<Promise<void>>();
    for (const name of topics) {
      const id = idOf(name, isGlob);
      let topic = this.#topics.get(id);
      if (topic) topic.count++;
      else {
        topic = { name, isGlob, count: 1, confirmed: this.#nextFlush() };
        this.#topics.set(id, topic);
        this.#adding.push(topic);
      }
      waits.add(topic.confirmed);
    }
    await Promise.all(waits);
  }

  /** `isGone`: the server has ended these subscriptions by itself. */
  remove(topics: readonly string[], isGlob = false, isGone = false): void {
    for (const name of topics) {
      const id = idOf(name, isGlob);
      const topic = this.#topics.get(id);
      if (!topic || --topic.count > 0) continue;
      this.#topics.delete(id);
      if (isGone) continue;
      this.#removing.add(id);
      this.#schedule();
    }
  }

  /** Subscribes to everything again: the server may have ended some of it. Rejects when there is no connection. */
  async repeat(): Promise<void> {
    if (!this.#isHere) throw this.#away();
    await this.#subscribe([...this.#topics.values()]);
  }

  /** Cuts the connection, and makes it anew. */
  rebuild(): void {
    // Not in good order: the other side may not answer.
    if (!this.#closed) this.#client.stream?.destroy();
  }

  close(): void {
    this.#closed = true;
    this.#isHere = false;
    this.#client.disconnect();
    // Who waits for the first connection must not wait for ever: nothing else may say that there will be none.
    this.#onFailed(this.#away());
  }

  #away(): ZocaloError {
    return unreachable(this.#options.place, this.#lastError);
  }

  #nextFlush(): Promise<void> {
    this.#added ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#flush());
    return this.#added;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#added) this.#unsubscribe();
    });
  }

  async #flush(): Promise<void> {
    const added = this.#adding;
    this.#adding = [];
    this.#added = undefined;
    this.#unsubscribe();
    try {
      if (!this.#isHere) throw this.#away();
      await this.#subscribe(added);
    } catch (error) {
      for (const topic of added) {
        const id = idOf(topic.name, topic.isGlob);
        if (this.#topics.get(id) === topic) this.#topics.delete(id);
      }
      throw redisFailure(this.#options.place, error);
    }
  }

  async #subscribe(topics: readonly Topic[]): Promise<void> {
    const sent: Promise<unknown>[] = [];
    for (const isGlob of [false, true]) {
      const names = topics.filter((topic) => topic.isGlob === isGlob).map(({ name }) => name);
      const verb = isGlob ? 'psubscribe' : this.#verbs.subscribe;
      sent.push(...this.#inBatches(verb, names));
    }
    await Promise.all(sent);
  }

  #inBatches(verb: string, names: readonly string[]): Promise<unknown>[] {
    const sent: Promise<unknown>[] = [];
    // With sharded PUB/SUB, one command may only have topics of one slot.
    const groups = this.#options.isSharded ? Map.groupBy(names, slotOfName).values() : [names];
    for (const group of groups)
      for (let at = 0; at < group.length; at += BATCH) sent.push(this.#client.call(verb, group.slice(at, at + BATCH)));
    return sent;
  }

  #unsubscribe(): void {
    const ids = [...this.#removing];
    this.#removing.clear();
    if (!this.#isHere || ids.length === 0) return;
    for (const isGlob of [false, true]) {
      const names = ids.filter((id) => (id[0] === 'g') === isGlob).map((id) => id.slice(1));
      // A topic that was added again is subscribed to after this.
      for (const sent of this.#inBatches(isGlob ? 'punsubscribe' : this.#verbs.unsubscribe, names))
        sent.catch(() => {}); // with the connection its subscriptions are gone
    }
  }

  /** A connection is ready: nothing is subscribed to yet. */
  async #resume(): Promise<void> {
    const connection = ++this.#connection;
    try {
      await this.#subscribe([...this.#topics.values()]);
      if (connection !== this.#connection || this.#closed) return;
      this.#isHere = true;
      this.#lastError = undefined;
      const isBack = this.#tried;
      this.#onReady();
      if (isBack) this.#options.onBack();
    } catch (error) {
      if (this.#closed) return;
      // The connection was lost before an answer came.
      if (connection !== this.#connection) {
        this.#onFailed(this.#lastError ?? error);
        return;
      }
      this.#lastError = error;
      this.#onFailed(error);
      if (wordOf(error) === 'MOVED') this.#options.onMoved?.();
      this.#client.disconnect(true);
    }
  }

  #lose(): void {
    this.#connection++;
    const wasHere = this.#isHere;
    this.#isHere = false;
    if (wasHere && !this.#closed) this.#options.onLost?.();
  }
}

function idOf(name: string, isGlob: boolean): string {
  return `${isGlob ? 'g' : 't'}${name}`;
}
