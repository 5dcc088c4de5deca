import type { Clock } from '../../clock.ts';
import type { Group, Wavering } from '../membership.ts';
import type { Change, Copy } from './copy.ts';
import type { Holding } from './holding.ts';

/** Milliseconds that an announcement may come after the answer, before the group is read instead. */
const PATIENCE = 1_000;

export interface RedisGroupOptions {
  readonly clock: Clock;
  readonly copy: Copy;
  readonly holding: () => Holding;
  /** Begins to hear announcements. Resolves with the function that ends it; rejects with LOG_…. */
  readonly listen: () => Promise<() => void>;
  readonly onClosed: () => void;
}

/** A group that this node follows. */
export class RedisGroup implements Group {
  readonly #options: RedisGroupOptions;
  #ready: Promise<void> | undefined;
  #unlisten: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RedisGroupOptions) {
    this.#options = options;
  }

  get copy(): Copy {
    return this.#options.copy;
  }

  get ready(): Promise<void> {
    this.#ready ??= this.#follow().catch((error) => {
      this.#ready = undefined; // the next one who asks tries again
      throw error;
    });
    return this.#ready;
  }

  async hold(member: string, shown: string): Promise<void> {
    await this.#told(await this.#options.holding().hold(member, shown));
  }

  waver(member: string): void {
    this.#options.holding().waver(member);
  }

  release(member: string): void {
    this.#options.holding().release(member);
  }

  close(wavering: Iterable<Wavering>): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unlisten?.();
    this.copy.close();
    for (const [member, milliseconds] of wavering) this.#options.holding().releaseIn(member, milliseconds);
    this.#options.onClosed();
  }

  async #follow(): Promise<void> {
    this.#unlisten ??= await this.#options.listen();
    if (this.#isClosed) this.#unlisten();
    else await this.copy.fetch();
  }

  /** Resolves when the listener was told of the change. */
  async #told(change: Change): Promise<void> {
    const { copy, clock } = this.#options;
    if (change.before !== change.after) copy.take(change); // unless others are still on their way
    const reached = copy.reached(change.after);
    if (!reached) return;
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(PATIENCE, () => resolve(copy.fetch()));
    });
    try {
      await Promise.race([reached, late]);
    } finally {
      cancel();
    }
  }
}
