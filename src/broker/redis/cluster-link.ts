import { ZocaloError } from '../../errors.ts';
import type { RedisHost } from './addresses.ts';
import { type ClusterMap, placeOfHost, readRedirection, readSlots, withHome } from './cluster-map.ts';
import { unreachable, wordOf } from './failure.ts';
import { firstTries, isFinal } from './first-tries.ts';
import { slotOfPartition } from './keys.ts';
import type { Appended, Link, LinkedServer, LinkOptions } from './link.ts';
import type { Script } from './scripts.ts';
import type { ServerFacts } from './server-facts.ts';
import type { SingleLink } from './single-link.ts';
import { Topology } from './topology.ts';

export interface ClusterLinkOptions extends LinkOptions {
  /** Some servers of the cluster. */
  readonly hosts: readonly RedisHost[];
  /** A connection to one server, which is not opened yet. */
  readonly linkTo: (place: string) => SingleLink;
}

interface Node {
  readonly link: SingleLink;
  /** Settles with the first try to connect. */
  readonly opened: Promise<void>;
}

/** Milliseconds between two looks whether the slots have moved: with and without a server that is away. */
const LOOK = 1_000;
const LOOK_ANYWAY = 10_000;
/** Milliseconds that what is on its way to a server which is no primary any more may take. */
const FAREWELL = 5_000;
/** Redirections of one command, and pauses while the keys of a slot are on both sides: three seconds in all. */
const MOST_TRIES = 16;
const LONGEST_PAUSE = 250;

/**
 * Connections to the primaries of a cluster. Each knows which process it speaks to, as with a single server: a failover
 * gives the slots to another one, and with that the logs another epoch.
 */
export class ClusterLink implements Link {
  readonly topology: Topology;
  readonly #options: ClusterLinkOptions;
  readonly #nodes = new Map<string, Node>();
  /** Those that are no primaries any more, and are closed in a moment. */
  readonly #leaving = new Set<SingleLink>();
  #stopLooking = (): void => {};
  #looks = 0;
  #closed = false;

  constructor(options: ClusterLinkOptions) {
    this.#options = options;
    this.topology = new Topology((first) => this.#ask(first));
    this.topology.onChange((map) => this.#follow(map));
  }

  async open(): Promise<void> {
    this.#stopLooking = this.#options.clock.every(LOOK, () => this.#look());
    await this.topology.refresh();
    await firstTries(
      [...this.#nodes.values()].map(({ opened }) => opened),
      () => this.#nobody('slots'),
    );
  }

  get fault(): ZocaloError | undefined {
    return this.#usable().next().value ? undefined : this.trouble;
  }

  get trouble(): ZocaloError | undefined {
    const { homes, primaries } = this.topology.map;
    if (homes.length === 0) return unreachable(this.#options.place);
    for (const place of primaries) {
      const fault = this.#nodes.get(place)?.link.fault;
      if (fault) return fault;
    }
    const free = homes.indexOf(undefined);
    return free < 0 ? undefined : this.#nobody(`slot ${free}`);
  }

  get facts(): readonly ServerFacts[] {
    return [...this.#nodes.values()].flatMap(({ link }) => link.facts);
  }

  get servers(): readonly LinkedServer[] {
    return this.topology.map.primaries.flatMap((place) => this.#nodes.get(place)?.link.servers ?? []);
  }

  run(
    partition: number,
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return this.#send(partition, (link, isAsked) => link.run(partition, script, keys, args, isAsked));
  }

  append(partition: number, keys: readonly string[], args: readonly (string | number)[]): Promise<Appended> {
    return this.#send(partition, (link, isAsked) => link.append(partition, keys, args, isAsked));
  }

  ask(partition: number, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#send(partition, (link, isAsked) => link.ask(partition, keys, args, isAsked));
  }

  callAt(partition: number, command: string, ...args: (string | number)[]): Promise<unknown> {
    return this.#send(partition, (link, isAsked) => link.callAsked(isAsked, command, ...args));
  }

  async call(command: string, ...args: (string | number)[]): Promise<unknown> {
    const link = this.#usable().next().value;
    if (!link) throw this.trouble ?? unreachable(this.#options.place);
    return link.call(command, ...args);
  }

  cork(): void {
    for (const { link } of this.#nodes.values()) link.cork();
  }

  uncork(): void {
    for (const { link } of this.#nodes.values()) link.uncork();
  }

  close(): void {
    this.#closed = true;
    this.#stopLooking();
    for (const { link } of this.#nodes.values()) link.close();
    for (const link of this.#leaving) link.close();
  }

  /** Those that are connected, in an order that stays. */
  *#usable(): Generator<SingleLink, undefined> {
    for (const place of this.topology.map.primaries) {
      const link = this.#nodes.get(place)?.link;
      if (link && !link.fault) yield link;
    }
  }

  async #send<T>(partition: number, send: (link: SingleLink, isAsked: boolean) => Promise<T>): Promise<T> {
    const slot = slotOfPartition(partition);
    let asked: string | undefined;
    for (let tries = 1; ; tries++) {
      const place = asked ?? this.topology.map.homes[slot];
      if (place === undefined) throw this.#nobody(`slot ${slot}`);
      const { link, opened } = this.#node(place);
      if (tries > 1) await opened.catch(() => {}); // the link tells why
      try {
        return await send(link, asked !== undefined);
      } catch (error) {
        const { cause } = error as { cause?: unknown };
        const word = cause instanceof Error ? wordOf(cause) : '';
        if (tries === MOST_TRIES || !(word === 'MOVED' || word === 'ASK' || word === 'TRYAGAIN')) throw error;
        asked = undefined;
        const redirection = readRedirection((cause as Error).message, place);
        if (redirection?.word === 'ASK') asked = redirection.place;
        else if (redirection) this.#move(redirection.slot, redirection.place, place);
        // Some of the keys are here, and some there already; or two servers name each other.
        if (!redirection || tries > 3) await this.#pause(Math.min(LONGEST_PAUSE, 20 * 2 ** (tries - 1)));
      }
    }
  }

  /** `teller`: the server that has said so. */
  #move(slot: number, place: string, teller: string): void {
    this.topology.take(withHome(this.topology.map, slot, place));
    this.topology.refresh(teller).catch(() => {}); // with the next look
  }

  #pause(time: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(time, resolve));
  }

  #node(place: string): Node {
    let node = this.#nodes.get(place);
    if (!node) {
      const link = this.#options.linkTo(place);
      node = { link, opened: link.open() };
      node.opened.catch(() => {}); // it goes on trying, and has a fault until then
      this.#nodes.set(place, node);
      if (this.#closed) link.close();
    }
    return node;
  }

  #follow({ primaries }: ClusterMap): void {
    for (const place of primaries) this.#node(place);
    for (const place of this.#nodes.keys()) if (!primaries.includes(place)) this.#forget(place);
    // The node that was asked may not have known all of it yet.
    this.#looks = LOOK_ANYWAY - 2 * LOOK;
  }

  #forget(place: string): void {
    const { link } = this.#nodes.get(place)!;
    this.#nodes.delete(place);
    if (link.fault || this.#closed) {
      link.close();
      return;
    }
    this.#leaving.add(link);
    this.#options.clock.after(FAREWELL, () => {
      this.#leaving.delete(link);
      link.close();
    });
  }

  #look(): void {
    this.#looks += LOOK;
    if (this.#looks < LOOK_ANYWAY && !this.trouble) return;
    this.#looks = 0;
    this.topology.refresh().catch(() => {}); // with the next look
  }

  /** Asks the servers that are connected for the slots, then those of the address. */
  async #ask(first?: string): Promise<ClusterMap> {
    const connected = [...this.#nodes].filter(([, { link }]) => !link.fault).map(([place]) => place);
    if (first !== undefined && connected.includes(first)) connected.unshift(first);
    let failure: unknown;
    for (const place of new Set([...connected, ...this.#options.hosts.map(placeOfHost)])) {
      const isKnown = this.#nodes.has(place);
      const { link, opened } = this.#node(place);
      try {
        if (!isKnown) await opened;
        const map = readSlots(await link.call('cluster', 'slots'), place);
        if (map.primaries.length > 0) return map;
        failure ??= this.#nobody('slots');
      } catch (error) {
        if (isFinal(error) || failure === undefined) failure = error;
      } finally {
        // If it is a primary, it is known as one in a moment.
        if (!isKnown) this.#forget(place);
      }
    }
    throw failure;
  }

  #nobody(what: string): ZocaloError {
    return new ZocaloError('LOG_UNREACHABLE', `${this.#options.place}: no server of the cluster has ${what} now`);
  }
}
