import { setTimeout as pause } from 'node:timers/promises';
import type { Member, ServerMessage } from '../../../src/protocol/index.ts';
import { RawPeer } from '../raw-peer.ts';

/** Milliseconds. Longer than a node is paused. */
const PATIENCE = { timeout: 10_000, pingInterval: 60_000, pongTimeout: 60_000, closeTimeout: 500 };

/** What a watcher was told of a member. */
export interface Change {
  readonly channel: string;
  readonly verb: '+' | '-';
  readonly name: string;
}

/** A subscriber of one node's presence, line by line. It comes back to the same node. */
export class Watcher {
  readonly name: string;
  readonly violations: string[] = [];
  /** Since they were taken last. */
  changes: Change[] = [];
  /** The connections that it has had. */
  lives = 0;
  readonly #port: number;
  readonly #channels: readonly string[];
  /** Who is there, by id, of each channel that is subscribed to. */
  readonly #views = new Map<string, Map<string, string>>();
  #peer: RawPeer | undefined;
  #isOver = false;

  constructor(name: string, port: number, channels: readonly string[]) {
    this.name = name;
    this.#port = port;
    this.#channels = channels;
    void this.#run();
  }

  /** The names that it sees in a channel, sorted. Undefined while it sees nothing. */
  names(channel: string): readonly string[] | undefined {
    const view = this.#views.get(channel);
    return view && [...view.values()].sort();
  }

  close(): void {
    this.#isOver = true;
    this.#peer?.terminate();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      this.#views.clear();
      await this.#live().catch(() => {}); // the node is down, or Redis is away
      await pause(50);
    }
  }

  async #live(): Promise<void> {
    const numbers = new Map<number, string>();
    const peer = await RawPeer.join(
      `ws://127.0.0.1:${this.#port}`,
      this.name,
      (line) => this.#hear(line, numbers),
      PATIENCE,
    );
    this.#peer = peer;
    this.lives++;
    try {
      for (const channel of this.#channels)
        await new Promise<void>((resolve, reject) => {
          const ok = (result: unknown) => {
            const { ch, members } = result as { ch: number; members: Member[] };
            numbers.set(ch, channel);
            this.#views.set(channel, new Map(members.map(({ id, data }) => [id, String(data)])));
            resolve();
          };
          peer.ask({ ok, err: (code) => reject(new Error(code)) }, 'sub', channel, { presence: true });
        });
      await peer.over;
    } finally {
      peer.terminate();
    }
  }

  #hear(line: ServerMessage, numbers: ReadonlyMap<number, string>): void {
    const [verb] = line;
    if (verb !== '+' && verb !== '-') return;
    const channel = numbers.get(line[1])!;
    const view = this.#views.get(channel)!;
    if (verb === '+') {
      const { id, data } = line[2];
      if (view.has(id)) this.violations.push(`${this.name}: ${data} in ${channel} has joined twice`);
      view.set(id, String(data));
      this.changes.push({ channel, verb, name: String(data) });
      return;
    }
    const name = view.get(line[2]);
    if (name === undefined) this.violations.push(`${this.name}: ${line[2]} has left ${channel}, and was not there`);
    view.delete(line[2]);
    this.changes.push({ channel, verb, name: name ?? line[2] });
  }
}
