import type { Entry, Keep, KeyWindow, LogGap, LogState, Page, Receipt } from '../../src/broker/index.ts';
import type { Position } from '../../src/protocol/index.ts';

interface NaiveLog {
  epoch: string;
  head: number;
  entries: Entry[];
  keep: Keep;
}

/** What a broker is to do, in the plainest words: the oracle of the contract suite. Everything is kept and searched. */
export class NaiveBroker {
  #now: () => number;
  #window: KeyWindow;
  #logs = new Map<string, NaiveLog>();
  #epochs = 0;
  #keys: { epoch: string; key: string; owner: string | undefined; data: string; offset: number; at: number }[] = [];

  constructor({ now, keys }: { now: () => number; keys: KeyWindow }) {
    this.#now = now;
    this.#window = keys;
  }

  publish(
    channel: string,
    { data, key, owner, keep }: { data: string; key: string | undefined; owner: string | undefined; keep: Keep },
  ): Receipt | 'KEY_REUSED' | 'LOG_BUSY' {
    const now = this.#now();
    const log = this.#log(channel);
    this.#keys = this.#keys.filter((one) => one.at + this.#window.ttl > now);
    const known = this.#keys.findLast((one) => one.epoch === log.epoch && one.key === key);
    if (known && known.data !== data) return 'KEY_REUSED';
    if (known) return { position: [log.epoch, known.offset], duplicate: true };
    const has = this.#keys.filter((one) => one.owner === owner).length;
    const room = (this.#window.count - this.#keys.length) * (owner === undefined ? 8 : 1);
    if (key !== undefined && has >= room) return 'LOG_BUSY';
    const offset = ++log.head;
    log.entries.push({ offset, time: now, data, meta: null });
    log.keep = keep;
    if (key !== undefined) this.#keys.push({ epoch: log.epoch, key, owner, data, offset, at: now });
    this.#log(channel);
    return { position: [log.epoch, offset], duplicate: false };
  }

  read(channel: string, have: Position, { limit, bytes }: { limit: number; bytes: number }): Page | LogGap {
    const log = this.#log(channel);
    const state = this.state(channel);
    if (have[0] !== log.epoch) return { gap: 'epoch', have, ...state };
    if (have[1] > log.head) return { gap: 'future', have, ...state };
    if (have[1] < state.oldest - 1) return { gap: 'trimmed', have, ...state };
    const entries: Entry[] = [];
    for (const entry of log.entries) {
      if (entry.offset <= have[1]) continue;
      const sum = entries.reduce((total, one) => total + one.data.length, entry.data.length);
      if (entries.length === limit || (entries.length > 0 && sum > bytes)) break;
      entries.push(entry);
    }
    return { ...state, entries };
  }

  state(channel: string): LogState {
    const { epoch, head, entries } = this.#log(channel);
    return { epoch, oldest: head - entries.length + 1, head };
  }

  trim(channel: string, keep: Keep): void {
    cut(this.#log(channel), keep, this.#now());
  }

  forget(channel: string): void {
    this.#logs.delete(channel);
  }

  #log(channel: string): NaiveLog {
    const log = this.#logs.get(channel) ?? {
      epoch: `epoch ${this.#epochs++}`,
      head: 0,
      entries: [],
      keep: { size: Infinity, ttl: Infinity },
    };
    this.#logs.set(channel, log);
    cut(log, log.keep, this.#now());
    return log;
  }
}

function cut(log: NaiveLog, { size, ttl }: Keep, now: number): void {
  log.entries = log.entries.filter((one) => one.offset > log.head - size && one.time + ttl > now);
}
