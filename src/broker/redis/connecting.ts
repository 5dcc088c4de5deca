import type { RedisAddress, RedisHost } from './addresses.ts';
import { ClusterFeed } from './cluster-feed.ts';
import { ClusterLink } from './cluster-link.ts';
import { hostOfPlace } from './cluster-map.ts';
import { type ClientTimes, type Driver, loadRedisDriver, makeClient, makeSentinelClient } from './driver.ts';
import type { Feed, FeedOptions } from './feed.ts';
import { Keys } from './keys.ts';
import type { Link, LinkOptions } from './link.ts';
import { ProbedFeed } from './probed-feed.ts';
import { SentinelWatch } from './sentinel-watch.ts';
import { isSharding } from './server-facts.ts';
import { SingleLink } from './single-link.ts';

export interface OpeningOptions extends LinkOptions {
  readonly times: ClientTimes;
}

export interface ConnectingOptions extends OpeningOptions {
  readonly prefix: string;
  /** A name of this process, for its probes. */
  readonly node: string;
  /** Milliseconds of silence after which the subscriptions are probed. */
  readonly probe: number;
  readonly onMessage: (topic: string, message: string) => void;
}

export interface Connections {
  readonly link: Link;
  readonly feed: Feed;
  readonly keys: Keys;
  close(): void;
}

/** Opens the connections of a store for commands. Rejects with a code, and then tries no more. */
export async function openLink(address: RedisAddress, options: OpeningOptions): Promise<Link> {
  const link = await linkOf(address, options);
  try {
    await link.open();
    return link;
  } catch (error) {
    link.close();
    throw error;
  }
}

/** Opens the connections of a store: for commands, and for subscriptions. Rejects with a code, and then tries no more. */
export async function connectTo(address: RedisAddress, options: ConnectingOptions): Promise<Connections> {
  const link = await openLink(address, options);
  const driver = await loadRedisDriver();
  const isSharded = link instanceof ClusterLink && link.facts.every(isSharding);
  const keys = new Keys(options.prefix, isSharded);
  const feed = feedOf(driver, address, link, keys, options);
  try {
    await feed.open();
  } catch (error) {
    feed.close();
    link.close();
    throw error;
  }
  const watch = watchOf(driver, address, options, () => {
    if (link instanceof SingleLink) link.renew();
    if (feed instanceof ProbedFeed) feed.renew();
  });
  watch?.start();
  const close = () => {
    watch?.stop();
    feed.close();
    link.close();
  };
  return { link, feed, keys, close };
}

/** With Sentinel: who tells that another server is the primary. */
function watchOf(
  driver: Driver,
  address: RedisAddress,
  { clock, times }: OpeningOptions,
  onChange: () => void,
): SentinelWatch | undefined {
  if (address.kind !== 'sentinel') return undefined;
  const { hosts, name = '' } = address;
  const clientOf = (host: RedisHost) => makeSentinelClient(driver, address, times, host);
  return new SentinelWatch({ clock, hosts, name, clientOf, onChange });
}

async function linkOf(address: RedisAddress, options: OpeningOptions): Promise<SingleLink | ClusterLink> {
  const driver = await loadRedisDriver();
  const { times } = options;
  if (address.kind !== 'cluster') {
    const { database } = address;
    return new SingleLink(makeClient(driver, address, times), address.kind, { ...options, database });
  }
  return new ClusterLink({
    ...options,
    hosts: address.hosts,
    linkTo: (place) => {
      const client = makeClient(driver, serverOf(address, place), times);
      return new SingleLink(client, 'cluster', { ...options, place: nameOf(address, place) });
    },
  });
}

function feedOf(driver: Driver, address: RedisAddress, link: Link, keys: Keys, options: ConnectingOptions): Feed {
  const { clock, place, times, node, probe: period, onBack, onMessage } = options;
  const probed = (to: RedisAddress, partition: number, more: FeedOptions): ProbedFeed => {
    const always = keys.probe(node, partition);
    const publish = keys.isSharded ? 'spublish' : 'publish';
    const send = () => link.callAt(partition, publish, always, '');
    return new ProbedFeed(makeClient(driver, to, times), { ...more, clock, period, always, send });
  };
  if (!(link instanceof ClusterLink)) return probed(address, 0, { place, onMessage, onBack });
  const { isSharded } = keys;
  return new ClusterFeed({
    place,
    clock,
    isSharded,
    topology: link.topology,
    onBack,
    feedOf: (server, { partition, ...events }) =>
      probed(serverOf(address, server), partition, {
        ...events,
        place: nameOf(address, server),
        isSharded,
        onMessage,
      }),
  });
}

/** The address of one server of a cluster. */
function serverOf(address: RedisAddress, place: string): RedisAddress {
  return { ...address, kind: 'single', hosts: [hostOfPlace(place)] };
}

/** The same, for messages. */
function nameOf({ tls }: RedisAddress, place: string): string {
  return `${tls ? 'rediss' : 'redis'}://${place}`;
}
