import { randomBytes } from 'node:crypto';
import type { RedisAccess } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import { clusterNames } from './names.ts';
import { LEASE_SCRIPT } from './scripts.ts';

export interface LeaseTimes {
  /** Milliseconds that a lease is valid. */
  readonly lease: number;
  /** Milliseconds for which a member whose connection was lost is still shown. */
  readonly linger: number;
}

export interface LeaseOptions extends LeaseTimes {
  readonly access: RedisAccess;
  readonly clock: Clock;
  /** What other nodes may know of this one: JSON. */
  readonly describe: () => string;
  /** It was renewed. `dead`: nodes that are to be swept. */
  readonly onRenewed: (dead: readonly string[]) => void;
  /** The lease had ended and others have told that this node's members have left: it goes on as another node. */
  readonly onReborn: () => void;
}

/** Milliseconds that one node has to sweep another, and after which it is swept once more. */
const SWEEP = 60_000;

/** This node's right to say who is here, for as long as it renews it. */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #period: number;
  readonly #patience: number;
  #node = newId();
  #until = 0;
  /** The ids that it had before, until it is stored that whatever is held by them is to be swept. */
  #former: readonly string[] = [];
  #renewing: Promise<void> | undefined;
  #stop = (): void => {};

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#period = options.lease * 0.3;
    // A member is shown for `linger` at least, also when the node died right before it would have renewed its lease.
    this.#patience = Math.max(0, options.linger - options.lease + this.#period);
  }

  /** This node's id, which changes when it was believed dead. */
  get node(): string {
    return this.#node;
  }

  /** When the lease ends, in milliseconds by the clock of Redis: the scripts look at it. */
  get until(): number {
    return this.#until;
  }

  /** Rejects with LOG_…. */
  async open(): Promise<void> {
    await this.#renew(true);
    this.#stop = this.#options.clock.every(this.#period, () => void this.renew());
  }

  /** Renews it now; never rejects. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew(false)
      .catch(() => {}) // Redis is away; with the next tick
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  /** Whether this node is to sweep another one. Rejects with LOG_…. */
  async claim(node: string): Promise<boolean> {
    return Number(await this.#ask('claim', node, this.#patience, SWEEP)) === 1;
  }

  async swept(node: string): Promise<void> {
    await this.#ask('swept', node, SWEEP);
  }

  /** The nodes that are alive, and what is known of each. Rejects with LOG_…. */
  async list(): Promise<Map<string, string>> {
    const [, ...parts] = (await this.#ask('list', '')) as string[];
    const nodes = new Map<string, string>();
    for (let at = 0; at < parts.length; at += 2) nodes.set(parts[at]!, parts[at + 1]!);
    return nodes;
  }

  /** This node goes: others sweep it in so many milliseconds, in which its members may come back elsewhere. Never rejects. */
  async close(wait: number): Promise<void> {
    this.#stop();
    await this.#renewing;
    await this.#ask('leave', this.#node, wait, this.#patience).catch(() => {}); // its lease ends anyway
  }

  async #renew(isNew: boolean): Promise<void> {
    const { lease, describe, onRenewed, onReborn } = this.#options;
    const [, until, ...dead] = (await this.#ask(
      'renew',
      this.#node,
      lease,
      this.#patience,
      describe(),
      Number(isNew),
      ...this.#former,
    )) as [string, string?, ...string[]];
    if (until === undefined) {
      this.#former = [...this.#former, this.#node];
      this.#node = newId();
      await this.#renew(true);
      onReborn();
    } else {
      this.#former = [];
      this.#until = Number(until);
      onRenewed(dead);
    }
  }

  #ask(...words: [verb: string, node: string, ...(string | number)[]]): Promise<unknown> {
    const { access } = this.#options;
    const { partition, lease } = clusterNames(access);
    return access.run(partition, LEASE_SCRIPT, lease, words);
  }
}

function newId(): string {
  return randomBytes(9).toString('base64url');
}
