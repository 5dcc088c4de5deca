import type { Clock } from '../../clock.ts';
import type { ClusterMap } from './cluster-map.ts';
import { unreachable, wordOf } from './failure.ts';
import type { Feed } from './feed.ts';
import { firstTries } from './first-tries.ts';
import { partitionIn, slotOfName, slotOfPartition } from './keys.ts';
import type { ProbedFeed } from './probed-feed.ts';
import type { Topology } from './topology.ts';

export interface NodeEvents {
  /** A partition of the server, for its probes. */
  readonly partition: number;
  readonly onBack: () => void;
  readonly onLost: () => void;
  readonly onMoved: () => void;
}

export interface ClusterFeedOptions {
  readonly place: string;
  readonly clock: Clock;
  /** Each topic is at the server that has its slot; otherwise all are at any one server. */
  readonly isSharded: boolean;
  readonly topology: Topology;
  /** A connection for subscriptions to one server, which is not opened yet. */
  readonly feedOf: (place: string, events: NodeEvents) => ProbedFeed;
  /** Called when subscriptions were made again. */
  readonly onBack: () => void;
}

interface Node {
  readonly feed: ProbedFeed;
  readonly partition: number;
  /** Settles with the first try to connect. */
  readonly opened: Promise<void>;
}

interface Topic {
  readonly name: string;
  readonly isGlob: boolean;
  count: number;
  /** The server where it is subscribed to. */
  at: string | undefined;
}

/** Milliseconds between two tries to subscribe to what is not subscribed to where it belongs. */
const AGAIN = 1_000;

/** Subscriptions in a cluster. They follow the slots of their topics, and leave servers that are no primaries any more. */
export class ClusterFeed implements Feed {
  readonly #options: ClusterFeedOptions;
  readonly #nodes = new Map<string, Node>();
  readonly #topics = new Map<string, Topic>();
  /** Topics that are not subscribed to where they belong. */
  readonly #astray = new Set<Topic>();
  /** Servers that have ended some subscriptions, nobody knows which: also of slots that they keep, when told of them. */
  readonly #doubtful = new Set<string>();
  /** Without sharded PUB/SUB: the server that all topics are at. */
  #anchor: string | undefined;
  #placing: Promise<void> | undefined;
  #stopTrying = (): void => {};
  #closed = false;

  constructor(options: ClusterFeedOptions) {
    this.#options = options;
    options.topology.onChange((map) => this.#follow(map));
  }

  get isHere(): boolean {
    if (this.#astray.size > 0 || this.#nodes.size === 0) return false;
    for (const { feed } of this.#nodes.values()) if (!feed.isHere) return false;
    return true;
  }

  get isDeaf(): boolean {
    for (const { feed } of this.#nodes.values()) if (feed.isDeaf) return true;
    return false;
  }

  async open(): Promise<void> {
    this.#follow(this.#options.topology.map);
    await firstTries(
      [...this.#nodes.values()].map(({ opened }) => opened),
      () => unreachable(this.#options.place),
    );
    this.#stopTrying = this.#options.clock.every(AGAIN, () => {
      const anchor = this.#nodes.get(this.#anchor ?? '');
      if (anchor && !anchor.feed.isHere) this.#follow(this.#withoutAnchor());
      this.#placeAll();
      this.#resolveDoubts();
    });
  }

  async add(names: readonly string[], isGlob = false): Promise<void> {
    const topics: Topic[] = [];
    for (const name of names) {
      const id = idOf(name, isGlob);
      let topic = this.#topics.get(id);
      if (topic) topic.count++;
      else {
        topic = { name, isGlob, count: 1, at: undefined };
        this.#topics.set(id, topic);
        this.#astray.add(topic);
      }
      topics.push(topic);
    }
    try {
      await this.#place(topics);
    } catch (error) {
      this.remove(names, isGlob);
      throw error;
    }
  }

  remove(names: readonly string[], isGlob = false): void {
    for (const name of names) {
      const id = idOf(name, isGlob);
      const topic = this.#topics.get(id);
      if (!topic || --topic.count > 0) continue;
      this.#topics.delete(id);
      this.#astray.delete(topic);
      if (topic.at !== undefined) this.#nodes.get(topic.at)?.feed.remove([name], isGlob);
    }
  }

  close(): void {
    this.#closed = true;
    this.#stopTrying();
    for (const { feed } of this.#nodes.values()) feed.close();
  }

  #homeOf({ name }: Topic): string | undefined {
    return this.#options.isSharded ? this.#options.topology.map.homes[slotOfName(name)] : this.#anchor;
  }

  /** Subscribes to these topics where they belong. Rejects with a code. */
  async #place(topics: readonly Topic[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      const astray = topics.filter((topic) => topic.count > 0 && topic.at === undefined);
      const groups = Map.groupBy(astray, (topic) => this.#homeOf(topic));
      const all = await Promise.allSettled([...groups].map(([place, group]) => this.#placeAt(place, group)));
      const failure = all.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
      if (!failure) return;
      const { cause } = failure.reason as { cause?: unknown };
      if (tries === 3 || !(cause instanceof Error && wordOf(cause) === 'MOVED')) throw failure.reason;
      await this.#options.topology.refresh();
    }
  }

  async #placeAt(place: string | undefined, topics: readonly Topic[]): Promise<void> {
    const node = place === undefined ? undefined : this.#nodes.get(place);
    if (!node) throw unreachable(this.#options.place);
    await node.opened.catch(() => {}); // the feed tells why
    for (const isGlob of [false, true]) {
      const group = topics.filter((topic) => topic.isGlob === isGlob);
      if (group.length === 0) continue;
      await node.feed.add(
        group.map(({ name }) => name),
        isGlob,
      );
      for (const topic of group) {
        // Removed, placed by another call, or moved meanwhile.
        if (topic.count === 0 || topic.at !== undefined || this.#nodes.get(place!) !== node)
          node.feed.remove([topic.name], isGlob);
        else {
          topic.at = place;
          this.#astray.delete(topic);
        }
      }
    }
  }

  /** Places what is astray; never rejects: what fails is tried again. */
  #placeAll(): void {
    if (this.#closed || this.#astray.size === 0 || this.#placing) return;
    this.#placing = this.#place([...this.#astray])
      .catch(() => {})
      .then(() => {
        this.#placing = undefined;
        if (!this.#closed && this.isHere) this.#options.onBack();
      });
  }

  #resolveDoubts(): void {
    for (const place of this.#doubtful)
      this.#nodes
        .get(place)
        ?.feed.repeat()
        .then(this.#options.onBack)
        .catch(() => {}); // without a connection, everything is subscribed to anew
    this.#doubtful.clear();
  }

  /** The slots have moved. */
  #follow(map: ClusterMap): void {
    if (this.#closed) return;
    const { isSharded } = this.#options;
    if (!isSharded && (this.#anchor === undefined || !map.primaries.includes(this.#anchor))) this.#moveAnchor();
    for (const topic of this.#topics.values()) {
      if (topic.at === undefined || topic.at === this.#homeOf(topic)) continue;
      this.#nodes.get(topic.at)?.feed.remove([topic.name], topic.isGlob, true);
      this.#lose(topic);
    }
    for (const [place, { partition }] of this.#nodes) {
      if (isSharded ? map.homes[slotOfPartition(partition)] !== place : place !== this.#anchor) this.#leave(place);
    }
    for (const place of isSharded ? map.primaries : [this.#anchor]) if (place !== undefined) this.#join(place);
    this.#placeAll();
  }

  #lose(topic: Topic): void {
    topic.at = undefined;
    this.#astray.add(topic);
  }

  #leave(place: string): void {
    for (const topic of this.#topics.values()) if (topic.at === place) this.#lose(topic);
    this.#nodes.get(place)!.feed.close();
    this.#nodes.delete(place);
  }

  #join(place: string): void {
    if (this.#nodes.has(place)) return;
    const { isSharded, topology, feedOf, onBack } = this.#options;
    const partition = isSharded ? partitionIn((slot) => topology.map.homes[slot] === place) : 0;
    if (partition === undefined) return; // slots without a partition have no topics
    const feed = feedOf(place, {
      partition,
      onBack: () => {
        this.#placeAll();
        onBack();
      },
      onLost: () => {
        if (!isSharded && this.#anchor === place) this.#follow(this.#withoutAnchor());
      },
      onMoved: () => {
        this.#doubtful.add(place);
        topology.refresh(place).catch(() => {}); // with the link's next look
      },
    });
    const opened = feed.open();
    opened.catch(() => {}); // it goes on trying, and is not here until then
    this.#nodes.set(place, { feed, partition, opened });
  }

  /** The anchor is away: another server has all topics as well. */
  #withoutAnchor(): ClusterMap {
    this.#moveAnchor();
    return this.#options.topology.map;
  }

  #moveAnchor(): void {
    const { primaries } = this.#options.topology.map;
    const next = primaries.indexOf(this.#anchor ?? '') + 1;
    this.#anchor = primaries[next % primaries.length];
  }
}

function idOf(name: string, isGlob: boolean): string {
  return `${isGlob ? 'g' : 't'}${name}`;
}
