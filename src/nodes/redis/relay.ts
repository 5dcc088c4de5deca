import { randomBytes } from 'node:crypto';
import type { RedisAccess } from '../../broker/index.ts';
import { ZocaloError } from '../../errors.ts';
import type { Relay, RelayListener } from '../relay.ts';

/** Characters that may wait for Redis: beyond that nothing is passed on, since it would come late and take memory. */
const MOST = 4 << 20;
/** Channels whose last text is remembered, since each comes by several topics. */
const REMEMBERED = 1_000;

/** Goes where the publications of a channel are announced. */
export class RedisRelay implements Relay {
  readonly #access: RedisAccess;
  readonly #origin = randomBytes(9).toString('base64url');
  /** The number of the last one of each channel, the least recent first. */
  readonly #last = new Map<string, string>();
  #count = 0;
  #waiting = 0;

  constructor(access: RedisAccess) {
    this.#access = access;
  }

  async send(channel: string, data: string, meta: string | null): Promise<void> {
    if (this.#waiting > MOST) throw new ZocaloError('LOG_BUSY', `${this.#access.place}: too much waits for Redis`);
    this.#waiting += data.length;
    try {
      await this.#access.tell(channel, [this.#origin, String(++this.#count), data, meta ?? '']);
    } finally {
      this.#waiting -= data.length;
    }
  }

  follow(listener: RelayListener): void {
    this.#access.onTold((channel, [origin, count, data = '', meta]) => {
      const number = `${origin} ${count}`;
      if (origin === this.#origin || this.#last.get(channel) === number) return;
      this.#last.delete(channel);
      this.#last.set(channel, number);
      if (this.#last.size > REMEMBERED) this.#last.delete(this.#last.keys().next().value!);
      listener(channel, data, meta ? meta : null);
    });
  }
}
