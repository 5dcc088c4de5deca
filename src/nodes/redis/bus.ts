import type { RedisAccess } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import type { Answerer, Asked, NodeBus } from '../bus.ts';
import type { Lease } from './lease.ts';
import { clusterNames, topicOf } from './names.ts';

/** Milliseconds for an answer. */
const PATIENCE = 2_000;

/** What goes from node to node. */
type Line =
  | { readonly ask: number; readonly from: string; readonly what: string; readonly data: unknown }
  | { readonly re: number; readonly from: string; readonly data?: unknown; readonly failed?: true };

interface Waiting {
  readonly answers: Map<string, unknown>;
  readonly missing: Set<string>;
  readonly resolve: () => void;
}

export interface BusOptions {
  readonly access: RedisAccess;
  readonly clock: Clock;
  readonly lease: Lease;
  /** A name that this process keeps, while its node's id may change. */
  readonly origin: string;
  readonly report: (what: string, cause: unknown) => void;
}

/** Each node hears a topic of its own. */
export class RedisBus implements NodeBus {
  readonly #options: BusOptions;
  readonly #answerers = new Map<string, Answerer>();
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  #unlisten = (): void => {};
  #unlistenOrigin: (() => void) | undefined;

  constructor(options: BusOptions) {
    this.#options = options;
  }

  get node(): string {
    return this.#options.lease.node;
  }

  answer(what: string, answerer: Answerer): void {
    this.#answerers.set(what, answerer);
  }

  async ask(what: string, data: unknown, nodes?: readonly string[], within = PATIENCE): Promise<Asked> {
    const { lease, clock } = this.#options;
    const own = lease.node;
    const asked = nodes ?? [own, ...[...(await lease.list()).keys()].filter((node) => node !== own)];
    const id = ++this.#count;
    const missing = new Set(asked);
    const answers = new Map<string, unknown>();
    const all = new Promise<void>((resolve) => {
      this.#waiting.set(id, { answers, missing, resolve });
      if (missing.delete(own))
        void this.#answer(what, data).then(
          (answer) => this.#take(id, own, answer),
          () => this.#take(id, own, undefined, true),
        );
    });
    const cancel = clock.after(within, () => this.#waiting.get(id)?.resolve());
    try {
      const others = asked.filter((node) => node !== own);
      if (others.length > 0) await this.#tell(others, { ask: id, from: own, what, data });
      if (asked.length > 0) await all;
    } finally {
      cancel();
      this.#waiting.delete(id);
    }
    return { answers, missing: asked.filter((node) => !answers.has(node)) };
  }

  tell(what: string, data: unknown, origin: string): Promise<void> {
    return this.#tell([origin], { ask: 0, from: this.node, what, data });
  }

  /** Hears what this node is asked, by the id that it has now. Rejects with LOG_…. */
  async listen(): Promise<void> {
    const { access, origin } = this.#options;
    const hear = (text: string) => void this.#hear(text);
    this.#unlistenOrigin ??= await access.listen(topicOf(access, origin), hear);
    const before = this.#unlisten;
    this.#unlisten = await access.listen(topicOf(access, this.node), hear);
    before();
  }

  close(): void {
    this.#unlisten();
    this.#unlistenOrigin?.();
    for (const { resolve } of this.#waiting.values()) resolve();
  }

  async #hear(text: string): Promise<void> {
    const line = JSON.parse(text) as Line;
    if ('re' in line) {
      this.#take(line.re, line.from, line.data, line.failed);
      return;
    }
    const from = this.node;
    const answer: Line = await this.#answer(line.what, line.data).then(
      (data) => ({ re: line.ask, from, data }),
      () => ({ re: line.ask, from, failed: true }),
    );
    if (line.ask > 0) await this.#tell([line.from], answer).catch(() => {}); // who has asked is told that this node is missing
  }

  async #answer(what: string, data: unknown): Promise<unknown> {
    try {
      const answerer = this.#answerers.get(what);
      if (!answerer) throw new Error(`a node of another version asks for ${what}`);
      return await answerer(data);
    } catch (cause) {
      this.#options.report(`a question of another node, ${what}, could not be answered`, cause);
      throw cause;
    }
  }

  #take(id: number, node: string, answer: unknown, failed = false): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    waiting.missing.delete(node);
    if (!failed) waiting.answers.set(node, answer);
    if (waiting.missing.size === 0) waiting.resolve();
  }

  async #tell(nodes: readonly string[], line: Line): Promise<void> {
    const { access } = this.#options;
    const topics = nodes.map((node) => topicOf(access, node));
    await access.announceIn(clusterNames(access).partition, topics, JSON.stringify(line));
  }
}
