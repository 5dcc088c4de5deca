import { hostname } from 'node:os';
import type { RedisAccess } from '../../broker/index.ts';
import { type Clock, systemClock } from '../../clock.ts';
import type { NodeFacts, Nodes, Others } from '../nodes.ts';
import { RedisBoard } from './board.ts';
import { RedisBus } from './bus.ts';
import { Leader } from './leader.ts';
import { Lease } from './lease.ts';
import { RedisMembership } from './membership.ts';
import { RedisQueues } from './queues.ts';
import { RedisRelay } from './relay.ts';
import { RedisRoster } from './roster.ts';
import { Sweeper } from './sweeper.ts';
import { RedisTickets } from './tickets.ts';

export interface RedisNodesOptions {
  /** Milliseconds for which a member whose connection was lost is still shown; as the hub's. Default 5,000. */
  readonly linger?: number;
  /** Milliseconds without a sign of life after which a node counts as dead; default 10,000. */
  readonly lease?: number;
  /** Milliseconds between two comparisons of what was heard with what is stored; default 5,000. */
  readonly check?: number;
  /** What all nodes should have alike, by name, as short digests that others may read. Default: nothing. */
  readonly settings?: () => Readonly<Record<string, string>>;
  readonly clock?: Clock;
  /** Called with what fails in the background. Default: nobody is told. */
  readonly onError?: (what: string, cause: unknown) => void;
}

/** The nodes that share a store in Redis. The store is opened before it, and closed after it. */
export class RedisNodes implements Nodes {
  readonly membership: RedisMembership;
  readonly others: Others;
  readonly #access: RedisAccess;
  readonly #clock: Clock;
  readonly #check: number;
  readonly #lease: Lease;
  readonly #sweeper: Sweeper;
  readonly #bus: RedisBus;
  readonly #board: RedisBoard;
  readonly #tickets: RedisTickets;
  readonly #linger: number;
  /** Milliseconds: see `Copy`. */
  readonly #quiet: number;
  #isQuiet = false;
  /** Redis was away, and what it may have forgotten is to be said as soon as it is known by which id. */
  #isBehind = false;
  #cancelQuiet = (): void => {};
  readonly #leaders = new Set<Leader>();
  #ends: (() => void)[] = [];

  constructor(access: RedisAccess, options: RedisNodesOptions = {}) {
    const {
      linger = 5_000,
      lease = 10_000,
      check = 5_000,
      clock = systemClock,
      onError = () => {},
      settings,
    } = options;
    const started = Date.now();
    this.#access = access;
    this.#clock = clock;
    this.#check = check;
    this.#quiet = lease;
    this.#lease = new Lease({
      access,
      clock,
      lease,
      linger,
      describe: () => JSON.stringify({ host: hostname(), process: process.pid, started, settings: settings?.() }),
      onRenewed: (dead) => {
        this.#sweeper.sweep(dead.filter((node) => node !== this.#lease.node));
        this.membership.sayAgain(this.#isBehind);
        if (this.#isBehind) void this.#catchUp();
        this.#isBehind = false;
        this.#tickets.renew().catch(() => {}); // with the next lease
      },
      onReborn: () => {
        this.membership.sayAnew();
        this.#tickets.putAgain().catch(() => {}); // when Redis is back
        this.#bus.listen().catch((cause) => onError('other nodes cannot ask this one', cause));
      },
    });
    this.membership = new RedisMembership({
      access,
      clock,
      lease: this.#lease,
      isQuiet: () => this.#isQuiet,
    });
    this.#tickets = new RedisTickets(access, Math.max(lease, linger + lease * 0.3));
    const { origin } = this.#tickets;
    this.#bus = new RedisBus({ access, clock, lease: this.#lease, origin, report: onError });
    this.#board = new RedisBoard(access);
    this.#linger = linger;
    this.others = {
      bus: this.#bus,
      users: new RedisRoster(access, this.membership, 'users'),
      notices: this.#board,
      relay: new RedisRelay(access),
      channels: new RedisRoster(access, this.membership, 'channels'),
      tickets: this.#tickets,
      queues: new RedisQueues(access),
      lead: (name, leading) => {
        const leader = new Leader(name, leading, { access, clock, lease, origin });
        leader.start();
        this.#leaders.add(leader);
        return () => {
          this.#leaders.delete(leader);
          return leader.close();
        };
      },
      nodes: async () =>
        [...(await this.#lease.list())].map(([id, facts]) => ({ id, ...JSON.parse(facts) }) as NodeFacts),
    };
    this.#sweeper = new Sweeper({
      access,
      lease: this.#lease,
      release: (...what) => this.membership.release(...what),
      report: onError,
    });
  }

  /** This node's id. */
  get id(): string {
    return this.#lease.node;
  }

  /** Rejects with LOG_…. */
  async open(): Promise<void> {
    await this.#lease.open();
    await this.#bus.listen();
    await this.#board.open();
    this.#ends = [
      this.#access.onBack(() => void this.#back()),
      this.#clock.every(this.#check, () => {
        void this.membership.check();
        this.#board.read().catch(() => {}); // Redis is away
      }),
    ];
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end();
    this.#cancelQuiet();
    this.#bus.close();
    this.#board.close();
    await this.#sweeper.close();
    const wait = Math.max(this.#linger, await this.membership.close());
    await this.#tickets.leave(wait).catch(() => {}); // Redis is away, and they expire
    await this.#lease.close(wait);
  }

  /** A connection stands again: Redis may have forgotten something, and something was not heard. */
  async #back(): Promise<void> {
    this.#isQuiet = true;
    this.#cancelQuiet();
    this.#cancelQuiet = this.#clock.after(this.#quiet, () => {
      this.#isQuiet = false;
      void this.#settled();
    });
    for (const leader of this.#leaders) void leader.back();
    this.#isBehind = true;
    await this.#lease.renew();
    await this.membership.readAgain();
    await this.#board.readAgain().catch(() => {}); // Redis is away again
  }

  /** Says what Redis may have forgotten besides who is held. */
  async #catchUp(): Promise<void> {
    await this.membership.letGoAgain().catch(() => {}); // Redis is away again
    await this.#tickets.putAgain().catch(() => {}); // with the next lease
  }

  /** Redis has been there for a while: what could not be done at once, because a part of it was still away, is done now. */
  async #settled(): Promise<void> {
    await this.membership.letGoAgain().catch(() => {}); // Redis is away again
    await this.membership.readAgain();
  }
}
