import { setTimeout as pause } from 'node:timers/promises';
import { type Entry, RedisBroker } from '../../../src/broker/index.ts';
import type { Owner } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { Dice } from '../dice.ts';
import { Balancer } from './balancer.ts';
import { EventReceiver } from './event-receiver.ts';
import { judgeEvents } from './events-verdict.ts';
import { NodeProcess } from './node-process.ts';
import { Publishers } from './publishers.ts';
import { Readers } from './readers.ts';
import { SQUARES, Square } from './square.ts';
import { type Kind, type Store, startStore } from './stores.ts';
import { judge, type Sent, type Verdict } from './verdict.ts';

export interface NodesChaosOptions {
  readonly seed: number;
  readonly faults: number;
  readonly readers: number;
  /** Members of channels. */
  readonly guests: number;
  readonly nodes: number;
  readonly kind: Kind;
  /** Milliseconds until all is right after a fault, and in the end. */
  readonly patience: number;
  /** Faults between two looks at who is there. */
  readonly looks: number;
  /** Nodes are also paused for longer than their leases. */
  readonly hasLongPauses: boolean;
  /** Is told of each look: what has failed before it, and how long it took until all was right. */
  readonly onLook?: (what: string) => void;
}

export interface NodesSummary extends Verdict {
  readonly faults: Readonly<Record<string, number>>;
  readonly connections: number;
  readonly looks: number;
  /** Milliseconds. */
  readonly longestUntilPresent: number;
  /** How many times a watcher of presence was told the same as others, and how many times it could not be compared. */
  readonly compared: number;
  readonly excused: number;
  readonly events: number;
  readonly repeatedEvents: number;
  /** Publications of which no event came. */
  readonly untold: number;
}

export const ROOMS = ['room:1', 'room:2', 'room:3'];

/** Longer than a lease. */
const LONG = 14_000;

/** Several daemons with one store, readers, publishers and members that go from one to the other, and everything that fails. */
export class NodesChaos {
  readonly #options: NodesChaosOptions;
  readonly #dice: Dice;
  readonly #t: Owner;
  readonly #faults: Record<string, number> = {};
  readonly #nodes: NodeProcess[] = [];
  readonly #balancer: Balancer;
  readonly #receiver: EventReceiver;
  #store!: Store;

  constructor(t: Owner, options: NodesChaosOptions) {
    this.#t = t;
    this.#options = options;
    this.#dice = new Dice(options.seed);
    this.#balancer = new Balancer(this.#dice.fork(), () => this.#upPorts);
    this.#receiver = new EventReceiver(this.#dice.fork());
  }

  async run(): Promise<NodesSummary> {
    const { kind, nodes, guests, faults, patience, looks, onLook } = this.#options;
    const dice = this.#dice;
    const [, host] = await Promise.all([this.#startNodes(kind, nodes), this.#balancer.open()]);
    this.#t.after(() => this.#balancer.close());
    const readers = new Readers(this.#options.readers, host, ROOMS, dice.fork());
    this.#t.after(() => readers.close());
    const ports = this.#nodes.map(({ port }) => port);
    const square = new Square({
      dice: dice.fork(),
      host,
      ports,
      upPorts: () => this.#upPorts,
      guests,
      bound: patience,
    });
    this.#t.after(() => square.close());
    square.enterAll();
    await until(() => readers.haveBegun, 'all readers have subscribed');
    // So that what all readers are told fits into the memory of a long run.
    const pace = Math.max(20, this.#options.readers);
    const publishers = new Publishers(host, ROOMS, pace, dice.fork());
    this.#t.after(() => publishers.close());
    let since: string[] = [];
    for (let n = 0; n < faults; n++) {
      await pause(100 + dice.below(400));
      square.stroll();
      since.push(await this.#fail(n % 3 === 0 ? this.#store.typical : undefined));
      if (n % looks !== looks - 1 && n < faults - 1) continue;
      if (n === faults - 1) square.enterAll();
      const begun = performance.now();
      const wrong = square.violations.length;
      await square.settle(since.join(', '), since.includes('node asleep'));
      const time = Math.round(performance.now() - begun);
      onLook?.([`${n + 1}: ${since.join(', ')}; ${time} ms`, ...square.violations.slice(wrong)].join('\n'));
      since = [];
    }
    await within(patience, publishers.finish(), () => 'the publishers do not come to their end');
    const sent = await within(patience, publishers.last(), () => 'the last publications are not acknowledged');
    const last = new Set(sent.map(({ id }) => id));
    const isDone = () =>
      readers.all.every(({ told }) => told.findLast((one) => 'id' in one && last.has(one.id)) !== undefined);
    await until(isDone, 'every reader has the last publication', patience);
    const { isDurable } = this.#store;
    const verdict = judge({ sent: publishers.sent, readers: readers.all, logs: await this.#logs(), isDurable });
    await this.#expectPresent(square.users, [...ROOMS, ...SQUARES], 'of those who are there');
    for (const one of [readers, publishers, square]) one.close();
    await this.#expectPresent([], [], 'after all have gone');
    const { violations, untold } = await this.#judgeEvents(publishers.sent);
    const { events, missed, repeated } = this.#receiver;
    if (isDurable && missed > 0) violations.push(`webhook: ${missed} events were dropped`);
    return {
      ...verdict,
      violations: [...verdict.violations, ...square.violations, ...this.#receiver.violations, ...violations],
      faults: this.#faults,
      connections: this.#balancer.connections,
      looks: square.looks,
      longestUntilPresent: Math.round(square.longest),
      ...square.comparisons,
      events: events.length,
      repeatedEvents: repeated,
      untold,
    };
  }

  get #upPorts(): number[] {
    return this.#nodes.filter(({ isUp }) => isUp).map(({ port }) => port);
  }

  async #startNodes(kind: Kind, count: number): Promise<void> {
    await this.#receiver.open();
    this.#t.after(() => this.#receiver.close());
    this.#store = await startStore(this.#t, kind, this.#dice.fork());
    const { address, port } = this.#store;
    for (let n = 0; n < count; n++)
      this.#nodes.push(await NodeProcess.make(this.#t, address, port, this.#receiver.url));
    await Promise.all(this.#nodes.map((node) => node.start()));
  }

  /** Waits until the receiver was told of exactly these. */
  async #expectPresent(users: readonly string[], channels: readonly string[], what: string): Promise<void> {
    const right = JSON.stringify([users.toSorted(), channels.toSorted()]);
    const told = () =>
      JSON.stringify([this.#receiver.present('user').toSorted(), this.#receiver.present('channel').toSorted()]);
    await until(() => told() === right, 'it is told', this.#options.patience).catch(() =>
      this.#receiver.violations.push(`webhook: told ${what} is ${told()}, and not ${right}`),
    );
  }

  /** Of what a node that was killed has left undone, another one tells some seconds later. */
  async #judgeEvents(sent: readonly Sent[]) {
    const end = performance.now() + this.#options.patience;
    for (;;) {
      const verdict = judgeEvents({ events: this.#receiver.events, sent, isDurable: this.#store.isDurable });
      if (verdict.untold === 0 || !this.#store.isDurable || performance.now() > end) return verdict;
      await pause(500);
    }
  }

  /** `chosen`: by chance if it is not given. Returns what has failed. */
  async #fail(chosen?: string): Promise<string> {
    const dice = this.#dice;
    const all = { ...this.#nodeFaults(this.#nodes[dice.below(this.#nodes.length)]!), ...this.#store.faults };
    const names = Object.keys(all);
    const name = chosen ?? names[dice.below(names.length)]!;
    this.#faults[name] = (this.#faults[name] ?? 0) + 1;
    await all[name]!();
    return name;
  }

  #nodeFaults(node: NodeProcess): Record<string, () => Promise<void>> {
    const { line } = node;
    const time = () => pause(100 + this.#dice.below(1_500));
    const pauseFor = async (end: Promise<void>) => {
      node.signal('SIGSTOP');
      await end;
      node.signal('SIGCONT');
    };
    return {
      'node killed': async () => {
        await node.kill();
        await time();
        await node.start();
      },
      'node paused': () => pauseFor(time()),
      ...(this.#options.hasLongPauses && { 'node asleep': () => pauseFor(pause(LONG)) }),
      'clients cut': async () => this.#balancer.cut(0.5),
      ...(line && {
        'line to Redis cut': async () => line.cut(),
        'line to Redis closed': async () => {
          line.isClosed = true;
          line.cut();
          await time();
          line.isClosed = false;
        },
        'line to Redis mute': async () => {
          line.loses = () => true;
          await time();
          line.loses = undefined;
          line.cut();
        },
        'announcements lost': async () => {
          line.loses = (_, chunk) => chunk.includes('\r\nmessage\r\n');
          await time();
          line.loses = undefined;
        },
      }),
    };
  }

  async #logs() {
    const broker = new RedisBroker(this.#store.address);
    await broker.open();
    const logs = new Map<string, { at: [string, number]; id: string }[]>();
    for (const room of ROOMS) {
      const { epoch } = await broker.state(room);
      const entries: Entry[] = [];
      for (;;) {
        const page = await broker.read(room, [epoch, entries.length]);
        if (page.gap || page.entries.length === 0) break;
        entries.push(...page.entries);
      }
      logs.set(
        room,
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
