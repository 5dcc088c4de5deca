import { setTimeout as pause } from 'node:timers/promises';
import { type Entry, RedisBroker } from '../../../src/broker/index.ts';
import { Client } from '../../../src/client/index.ts';
import { cutOff, hasAll, type RedisServer, startRedis } from '../../support/redis.ts';
import { startSentinel } from '../../support/redis-sentinel.ts';
import { until } from '../../support/until.ts';
import { Dice } from '../dice.ts';
import { Balancer } from './balancer.ts';
import { API_KEY, NodeProcess } from './node-process.ts';
import { judge, type Reader, type Sent, type Verdict } from './verdict.ts';

export interface NodesChaosOptions {
  readonly seed: number;
  readonly faults: number;
  readonly readers: number;
  readonly nodes: number;
  /** `disk`: one Redis that writes each publication to its disk. `failover`: a primary that dies before its replica has all. */
  readonly kind: 'disk' | 'failover';
  /** Milliseconds that readers may take in the end. */
  readonly patience: number;
}

export interface NodesSummary extends Verdict {
  readonly faults: Readonly<Record<string, number>>;
  readonly connections: number;
}

interface Servers {
  readonly primary: RedisServer;
  readonly replica?: RedisServer;
  /** The port of the primary that the sentinel names. */
  readonly named?: () => Promise<number>;
}

type Owner = Parameters<typeof startRedis>[0];

const CHANNELS = ['room:1', 'room:2', 'room:3'];
const AOF = ['--appendonly', 'yes', '--appendfsync', 'always'];
/** Publications that a publisher of the SDK has under way. */
const IN_FLIGHT = 4;

/** Several daemons with one store, readers and publishers that go from one to the other, and everything that fails. */
export class NodesChaos {
  readonly #options: NodesChaosOptions;
  readonly #dice: Dice;
  readonly #t: Owner;
  readonly #sent: Sent[] = [];
  readonly #readers: Reader[] = [];
  readonly #faults: Record<string, number> = {};
  readonly #nodes: NodeProcess[] = [];
  readonly #balancer: Balancer;
  #redis!: Servers;
  #address = '';
  #isPublishing = true;

  constructor(t: Owner, options: NodesChaosOptions) {
    this.#t = t;
    this.#options = options;
    this.#dice = new Dice(options.seed);
    this.#balancer = new Balancer(this.#dice.fork(), () =>
      this.#nodes.filter(({ isUp }) => isUp).map(({ port }) => port),
    );
  }

  async run(): Promise<NodesSummary> {
    const { kind, nodes, readers, faults, patience } = this.#options;
    await this.#startRedis(kind);
    const port = kind === 'disk' ? this.#redis.primary.port : undefined;
    for (let n = 0; n < nodes; n++) this.#nodes.push(await NodeProcess.make(this.#t, this.#address, port));
    await Promise.all(this.#nodes.map((node) => node.start()));
    const host = await this.#balancer.open();
    this.#t.after(() => this.#balancer.close());
    for (let n = 0; n < readers; n++) this.#read(`reader ${n}`, host);
    await until(() => this.#readers.every(({ start }) => start !== undefined), 'all readers have subscribed');
    const publishing = [
      this.#publishBySdk('sdk1', host),
      this.#publishBySdk('sdk2', host),
      this.#publishByHttp('http1', host),
      this.#publishByHttp('http2', host),
    ];
    for (let n = 0; n < faults; n++) {
      await pause(100 + this.#dice.below(400));
      // What is lost in a failover is what it is about.
      await this.#fail(kind === 'failover' && n % 3 === 0 ? 'failed over' : undefined);
    }
    this.#isPublishing = false;
    await within(patience, Promise.all(publishing), () => 'the publishers do not come to their end');
    const last = await Promise.all(CHANNELS.map((channel) => this.#publishOne(host, 'last', channel)));
    const isDone = () =>
      this.#readers.every(({ channel, told }) =>
        told.some((one) => 'id' in one && last.some(({ id }) => id === one.id && channel)),
      );
    await until(isDone, 'every reader has the last publication', patience);
    const verdict = judge({
      sent: this.#sent,
      readers: this.#readers,
      logs: await this.#logs(),
      isDurable: kind === 'disk',
    });
    return { ...verdict, faults: this.#faults, connections: this.#balancer.connections };
  }

  async #startRedis(kind: NodesChaosOptions['kind']): Promise<void> {
    if (kind === 'disk') {
      const primary = await startRedis(this.#t, AOF);
      this.#redis = { primary };
      this.#address = `${primary.address}?durability=disk`;
      return;
    }
    const { address, primary, replica, named } = await startSentinel(this.#t);
    this.#redis = { primary, replica, named };
    this.#address = address;
  }

  #read(name: string, host: string): void {
    const client = new Client(`ws://${host}`, { random: this.#dice.fork().next });
    client.on('error', () => {});
    this.#t.after(() => client.close());
    for (const channel of CHANNELS) {
      const reader: Reader = { name, channel, told: [] };
      this.#readers.push(reader);
      const subscription = client.subscribe(channel);
      subscription.on('state', (state) => {
        if (state === 'live') reader.start ??= subscription.position!;
      });
      subscription.on('message', ({ position, data }) => reader.told.push({ at: position!, id: data as string }));
      subscription.on('gap', (gap) => reader.told.push({ gap }));
    }
  }

  #next(publisher: string, channel: string, number: number): Sent {
    const sent: Sent = { id: `${publisher}/${number}`, publisher, channel };
    this.#sent.push(sent);
    return sent;
  }

  async #publishBySdk(publisher: string, host: string): Promise<void> {
    const client = new Client(`ws://${host}`, { random: this.#dice.fork().next });
    client.on('error', () => {});
    this.#t.after(() => client.close());
    const dice = this.#dice.fork();
    const inFlight = new Set<Promise<void>>();
    for (let n = 1; this.#isPublishing; n++) {
      const sent = this.#next(publisher, CHANNELS[dice.below(CHANNELS.length)]!, n);
      const done: Promise<void> = client
        .publish(sent.channel, sent.id)
        .then((at) => {
          if (at) sent.at = at;
        })
        // The SDK gives up after some refusals, and nobody knows the fate of this one.
        .catch(() => {})
        .finally(() => inFlight.delete(done));
      inFlight.add(done);
      if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
      await pause(dice.below(20));
    }
    await Promise.all(inFlight);
  }

  async #publishByHttp(publisher: string, host: string): Promise<void> {
    const dice = this.#dice.fork();
    for (let n = 1; this.#isPublishing; n++) {
      await this.#put(host, this.#next(publisher, CHANNELS[dice.below(CHANNELS.length)]!, n));
      await pause(dice.below(20));
    }
  }

  async #publishOne(host: string, publisher: string, channel: string): Promise<Sent> {
    const sent = this.#next(publisher, channel, CHANNELS.indexOf(channel) + 1);
    await this.#put(host, sent);
    return sent;
  }

  /** Again with its key, until it is stored. */
  async #put(host: string, sent: Sent): Promise<void> {
    const { id, channel } = sent;
    for (;;) {
      try {
        const response = await fetch(`http://${host}/api/publish`, {
          method: 'POST',
          headers: { authorization: `Bearer ${API_KEY}`, connection: 'close' },
          body: JSON.stringify({ channel, data: id, key: `key of ${id}` }),
          signal: AbortSignal.timeout(10_000),
        });
        const body = (await response.json()) as { at: [string, number] };
        if (response.ok) {
          sent.at = body.at;
          return;
        }
      } catch {
        // Nobody knows whether it was stored.
      }
      await pause(50);
    }
  }

  /** `chosen`: by chance if it is not given. */
  async #fail(chosen?: string): Promise<void> {
    const dice = this.#dice;
    const node = this.#nodes[dice.below(this.#nodes.length)]!;
    const { primary } = this.#redis;
    const time = () => pause(100 + dice.below(1_500));
    const all: Record<string, () => Promise<void>> = {
      'node killed': async () => {
        await node.kill();
        await time();
        await node.start();
      },
      'node paused': async () => {
        node.signal('SIGSTOP');
        await time();
        node.signal('SIGCONT');
      },
      'clients cut': async () => this.#balancer.cut(0.5),
      ...(node.line && {
        'line to Redis cut': async () => node.line!.cut(),
        'line to Redis closed': async () => {
          node.line!.isClosed = true;
          node.line!.cut();
          await time();
          node.line!.isClosed = false;
        },
        'line to Redis mute': async () => {
          node.line!.loses = () => true;
          await time();
          node.line!.loses = undefined;
          node.line!.cut();
        },
        'announcements lost': async () => {
          node.line!.loses = (_, chunk) => chunk.includes('\r\nmessage\r\n');
          await time();
          node.line!.loses = undefined;
        },
      }),
      'Redis paused': async () => {
        primary.signal('SIGSTOP');
        await pause(100 + dice.below(300));
        primary.signal('SIGCONT');
      },
      ...(this.#redis.replica
        ? {
            'failed over': async () => {
              await this.#sortOut(this.#redis.named!);
              await this.#failOver();
            },
          }
        : {
            'Redis killed': async () => {
              await primary.stop();
              await time();
              await primary.start();
            },
          }),
    };
    const names = Object.keys(all);
    const name = chosen ?? names[dice.below(names.length)]!;
    this.#faults[name] = (this.#faults[name] ?? 0) + 1;
    await all[name]!();
  }

  /** The primary dies, with publications that its replica does not have; then it comes back as a replica. */
  async #failOver(): Promise<void> {
    const { primary, replica, named } = this.#redis as Required<Servers>;
    await cutOff(replica, primary);
    await pause(this.#dice.below(300));
    await primary.stop();
    replica.signal('SIGCONT');
    await until(async () => (await named()) === replica.port, 'the replica is the primary');
    await primary.start();
    await this.#sortOut(named);
  }

  /** A server that had no time to answer may have lost its part again: who follows whom, once both have the same. */
  async #sortOut(named: () => Promise<number>): Promise<void> {
    const pair = [this.#redis.primary, this.#redis.replica!] as const;
    await until(async () => {
      const port = await named();
      const [replica, primary] = pair[0].port === port ? [pair[1], pair[0]] : pair;
      this.#redis = { primary, replica, named };
      const infos = await Promise.all(
        [replica, primary].map(async (one) => String(await one.ask('info', 'replication'))),
      );
      return infos[0]!.includes('link_status:up') && infos[1]!.includes('role:master') && hasAll(replica, primary);
    }, 'one follows the other, and has all');
  }

  async #logs() {
    const broker = new RedisBroker(this.#address);
    await broker.open();
    const logs = new Map<string, { at: [string, number]; id: string }[]>();
    for (const channel of CHANNELS) {
      const { epoch } = await broker.state(channel);
      const entries: Entry[] = [];
      for (;;) {
        const page = await broker.read(channel, [epoch, entries.length]);
        if (page.gap || page.entries.length === 0) break;
        entries.push(...page.entries);
      }
      logs.set(
        channel,
        entries.map(({ offset, data }) => ({ at: [epoch, offset], id: JSON.parse(data) })),
      );
    }
    await broker.close();
    return logs;
  }
}

async function within<T>(time: number, promise: Promise<T>, what: () => string): Promise<T> {
  const late = pause(time).then(() => {
    throw new Error(what());
  });
  return Promise.race([promise, late]);
}
