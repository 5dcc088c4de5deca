/** A mutant that no test can notice. */
export interface Equivalent {
  readonly file: string;
  /** As the tool prints them. */
  readonly original: string;
  readonly mutated: string;
  readonly why: string;
}

/** Found by reading what survived. Those of lines that have changed since are to be read again. */
export const EQUIVALENTS: readonly Equivalent[] = [
  {
    file: 'src/websocket/topics.ts',
    original: 'if (topic.subscribers.size === 0) return 0;',
    mutated: 'if (topic.subscribers.size === 0) return 1;',
    why: 'only the topic of all users stays without subscribers, and a broadcast answers nothing',
  },
  {
    file: 'src/client/paced-lines.ts',
    original: 'if (this.#waiting.push(line) === 1) queueMicrotask(() => this.flush());',
    mutated: 'if (true) queueMicrotask(() => this.flush());',
    why: 'the first flush sends everything, and those after it find nothing to send',
  },
  {
    file: 'src/broker/sqlite.ts',
    original: 'const bytes = OPERATION_BYTES + 2 * (data.length + (meta?.length ?? 0) + (sent?.length ?? 0));',
    mutated: 'const bytes = OPERATION_BYTES + 2 * (data.length + (meta?.length ?? 1) + (sent?.length ?? 0));',
    why: 'the size in memory is an estimate, and two bytes more are as right',
  },
  {
    file: 'src/websocket/timer-wheel.ts',
    original: 'now = 0;',
    mutated: 'now = 1;',
    why: 'only differences between ticks are used, wherever the count begins',
  },
  {
    file: 'src/websocket/topics.ts',
    original: 'if (this.#pending.length === 0) return;',
    mutated: 'if (false) return;',
    why: 'a short cut: nothing was published, so that nothing is queued',
  },
  {
    file: 'src/websocket/connection.ts',
    original: 'if (more > 0 && !this.#failed) return more * wheel.tick;',
    mutated: 'if (more > 0 && !this.#failed) return more / wheel.tick;',
    why: 'it only looks again in each tick',
  },
  {
    file: 'src/broker/key-table.ts',
    original: 'if ((this.#used + 1) * 4 > this.#index.length * 3) this.#rebuild();',
    mutated: 'if ((this.#used + 1) * 4 >= this.#index.length * 3) this.#rebuild();',
    why: 'an index that is rebuilt one entry earlier finds the same',
  },
  {
    file: 'src/broker/log.ts',
    original: 'if (this.#first < 32 || this.#first * 2 < this.#entries.length) return;',
    mutated: 'if (this.#first < 32 || this.#first * 2 <= this.#entries.length) return;',
    why: 'the places of removed entries are freed one entry later',
  },
  {
    file: 'src/broker/log-time.ts',
    original: 'if (step < 0) this.since = this.now;',
    mutated: 'if (step < 1) this.since = this.now;',
    why: 'a step is more than a minute there, to either side',
  },
  {
    file: 'src/hub/channels/patterns.ts',
    original: 'if (this.#open.size === 0) return;',
    mutated: 'if (false) return;',
    why: 'a short cut: without a pattern none covers the channel',
  },
  {
    file: 'src/hub/channels/presence.ts',
    original: 'if (through) wavering.push([id, until - now]);',
    mutated: 'if (true) wavering.push([id, until - now]);',
    why: 'who is only on other nodes is not held by this one, so that nothing is released',
  },
  {
    file: 'src/hub/channels/pages.ts',
    original: 'if (this.#bytes <= KEPT || other === kept) return;',
    mutated: 'if (this.#bytes < KEPT || other === kept) return;',
    why: 'pages are dropped one byte earlier, and read again',
  },
  {
    file: 'src/client/session.ts',
    original: 'if (token || login) return await (await this.#load()).prepareHello(this.#options, this.#given);',
    mutated: 'if (true) return await (await this.#load()).prepareHello(this.#options, this.#given);',
    why: 'without either option the same hello is prepared, by code that a page need not load',
  },
  {
    file: 'src/broker/sqlite-keys.ts',
    original: 'if (last && time - last.time < MARK && time >= last.time) last.below = this.#ends.next;',
    mutated: 'if (false) last.below = this.#ends.next;',
    why: 'a mark for each commit in place of one for each second: the same keys expire, within that second',
  },
  {
    file: 'src/broker/memory.ts',
    original: 'this.#logs.clear();',
    mutated: ';',
    why: 'a closed broker refuses every call, and its logs are freed with it',
  },
];
