import { ZocaloError } from '../../errors.ts';
import { bucketOf } from '../epochs.ts';
import type { Feed } from './feed.ts';
import { type Keys, PARTITIONS } from './keys.ts';
import type { Link } from './link.ts';
import { FIELD, type Script, scriptOf } from './scripts.ts';

/** The connections of an open store, for what else the nodes keep there. */
export interface RedisAccess {
  /** The address, without secrets. */
  readonly place: string;
  /** Why nothing can be sent now. */
  readonly fault: ZocaloError | undefined;
  /** Whether a script may only have keys of one partition. */
  readonly isCluster: boolean;
  /** The command for scripts that announce something in a topic of their partition. */
  readonly announce: 'PUBLISH' | 'SPUBLISH';
  readonly partitions: number;
  /** The partition of a name: for a channel that of its log. */
  partitionOf(name: string): number;
  /** What the names of all keys and topics of a partition begin with. */
  base(partition: number): string;
  /** Runs a script on the server that has the partition. Rejects with LOG_…. */
  run(partition: number, script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /**
   * Calls the listener with each message of a topic, until the function is called that it resolves with. Rejects with
   * LOG_…. After a lost connection messages are missing: see `onBack`.
   */
  listen(topic: string, listener: (message: string) => void): Promise<() => void>;
  /** Tells a text to those who listen to these topics of a partition. Rejects with LOG_…. */
  announceIn(partition: number, topics: readonly string[], text: string): Promise<void>;
  /**
   * Tells the processes that watch a channel, or a pattern of it, some words that are no publication. Those that have no
   * connection for subscriptions now are not told. Rejects with LOG_….
   */
  tell(channel: string, words: readonly string[]): Promise<void>;
  /** Calls the listener with them, also with this process's own, once for each topic by which they come. */
  onTold(listener: (channel: string, words: readonly string[]) => void): void;
  /** Calls the listener when a connection stands again that was lost. Returns a function that removes it. */
  onBack(listener: () => void): () => void;
}

/** KEYS: none. ARGV: the command, the text, the topics. */
const ANNOUNCE_SCRIPT = scriptOf(`
for n = 3, #ARGV do redis.call(ARGV[1], ARGV[n], ARGV[2]) end
return #ARGV - 2
`);

interface Connected {
  readonly link: Link;
  readonly feed: Feed;
  readonly keys: Keys;
}

/** The access to a store that can be handed out before the store is open. */
export class SharedAccess implements RedisAccess {
  readonly place: string;
  readonly isCluster: boolean;
  readonly partitions = PARTITIONS;
  #connected: Connected | undefined;
  readonly #listeners = new Map<string, (message: string) => void>();
  readonly #waiting = new Set<() => void>();
  #told: (channel: string, words: readonly string[]) => void = () => {};

  constructor(place: string, isCluster: boolean) {
    this.place = place;
    this.isCluster = isCluster;
  }

  /** The store is open. */
  connect(connected: Connected): void {
    this.#connected = connected;
  }

  /** True if the topic was somebody's. */
  hear(topic: string, message: string): boolean {
    const listener = this.#listeners.get(topic);
    listener?.(message);
    return listener !== undefined;
  }

  /** A message where publications of a channel are announced, which has no epoch: it is no news of a log. */
  hearWords(message: string): void {
    const [channel = '', , ...words] = message.split(FIELD);
    this.#told(channel, words);
  }

  back(): void {
    for (const listener of this.#waiting) listener();
  }

  get fault(): ZocaloError | undefined {
    return this.#connected
      ? this.#connected.link.fault
      : new ZocaloError('LOG_CLOSED', `the store ${this.place} is not open`);
  }

  get announce(): 'PUBLISH' | 'SPUBLISH' {
    return this.#connected?.keys.isSharded ? 'SPUBLISH' : 'PUBLISH';
  }

  partitionOf(name: string): number {
    return bucketOf(name) % PARTITIONS;
  }

  base(partition: number): string {
    return this.#connected!.keys.partition(partition);
  }

  async run(
    partition: number,
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    if (this.fault) throw this.fault;
    return this.#connected!.link.run(partition, script, keys, args);
  }

  async listen(topic: string, listener: (message: string) => void): Promise<() => void> {
    if (!this.#connected) throw this.fault!;
    const { feed } = this.#connected;
    // Before the answer, which may come together with the first message.
    this.#listeners.set(topic, listener);
    const forget = () => this.#listeners.get(topic) === listener && this.#listeners.delete(topic);
    try {
      await feed.add([topic]);
    } catch (error) {
      forget();
      throw error;
    }
    return () => {
      forget();
      feed.remove([topic]);
    };
  }

  async announceIn(partition: number, topics: readonly string[], text: string): Promise<void> {
    await this.run(partition, ANNOUNCE_SCRIPT, [], [this.announce, text, ...topics]);
  }

  async tell(channel: string, words: readonly string[]): Promise<void> {
    if (this.fault) throw this.fault;
    const { partition, seeds, topic, familyTopic } = this.#connected!.keys.of(channel);
    const topics = [topic, familyTopic, ...(this.announce === 'SPUBLISH' ? [`${seeds}:every`] : [])];
    await this.announceIn(partition, topics, [channel, '', ...words].join(FIELD));
  }

  onTold(listener: (channel: string, words: readonly string[]) => void): void {
    this.#told = listener;
  }

  onBack(listener: () => void): () => void {
    this.#waiting.add(listener);
    return () => this.#waiting.delete(listener);
  }
}
