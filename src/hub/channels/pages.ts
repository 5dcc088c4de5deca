import type { Broker, LogGap, Page } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import type { Position } from '../../protocol/index.ts';
import { Outgoing } from '../outgoing.ts';
import type { Channel } from './channel.ts';

/** The most publications of a page. */
const LIMIT = 1_000;
/** The most bytes of a page: enough for efficient reading, little enough that a slow reader costs little. */
export const MOST = 256 * 1024;
/** Bytes of a page that every reader gets, however many there are. */
const LEAST = 8 * 1024;
/** Bytes of all readers' pages together, above which pages get smaller. */
const BUDGET = 16 * 1024 * 1024;
/** Bytes of pages that are sent in one turn of the event loop, so that others are served too. */
const TURN = 2 * 1024 * 1024;
/** Bytes of the pages that are cached for readers at the same position, and for how many milliseconds. */
const KEPT = 4 * 1024 * 1024;
const FRESH = 1_000;

/** A page for all readers at the same position. */
export class SharedPage {
  readonly page: Page | LogGap;
  /** Its publications, as live subscribers get them. */
  readonly outgoing: Outgoing;

  constructor(channel: Channel, page: Page | LogGap) {
    this.page = page;
    this.outgoing = new Outgoing(page.gap ? [] : page.entries.map((entry) => ['m', channel.number, entry] as const));
  }
}

interface Kept {
  readonly page: Promise<SharedPage>;
  readonly at: number;
  bytes: number;
}

/**
 * The pages of logs that are being sent to readers who catch up. When thousands reconnect at once, a page is read once
 * for all readers at the same position, and is smaller the more readers there are: what waits for slow readers stays
 * within some 60 MiB plus 8 KiB each, and nobody waits for a slow reader.
 */
export class Pages {
  readonly #broker: Broker;
  readonly #clock: Clock;
  /** Readers that have a page, or wait for one. */
  #underWay = 0;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  /** Bytes that may still be sent in this turn, and who waits for the next one. */
  #left = TURN;
  #waiting: { bytes: number; go: () => void }[] = [];
  #isCounting = false;

  constructor(broker: Broker, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
  }

  /** Reads at most `limit` publications after a position. `send` resolves when the page has been sent. */
  async read(
    channel: Channel,
    position: Position,
    limit: number,
    send: (shared: SharedPage) => Promise<void>,
  ): Promise<void> {
    this.#underWay++;
    try {
      const bytes = this.#pageSize();
      const shared = await this.#shared(channel, position, Math.min(limit, LIMIT), bytes);
      if (!this.#spend(bytes)) await new Promise<void>((go) => this.#waiting.push({ bytes, go }));
      await send(shared);
    } finally {
      if (--this.#underWay === 0) {
        this.#kept.clear();
        this.#bytes = 0;
      }
    }
  }

  /** What is kept may have changed in the log. */
  forget(): void {
    for (const [place, kept] of this.#kept) this.#drop(place, kept);
  }

  /** Deducts from what may be sent in this turn; false if nothing is left of it. */
  #spend(bytes: number): boolean {
    if (this.#left <= 0) return false;
    this.#left -= bytes;
    if (!this.#isCounting) {
      this.#isCounting = true;
      setImmediate(() => this.#nextTurn());
    }
    return true;
  }

  #nextTurn(): void {
    this.#isCounting = false;
    this.#left = TURN;
    let count = 0;
    while (count < this.#waiting.length && this.#spend(this.#waiting[count]!.bytes)) this.#waiting[count++]!.go();
    this.#waiting.splice(0, count);
  }

  /** In powers of two, so that the pages of many readers start and end at the same positions. */
  #pageSize(): number {
    let bytes = MOST;
    while (bytes > LEAST && bytes * this.#underWay > BUDGET) bytes /= 2;
    return bytes;
  }

  #shared(channel: Channel, position: Position, limit: number, bytes: number): Promise<SharedPage> {
    const place = `${channel.number} ${position[0]} ${position[1]} ${limit} ${bytes}`;
    const known = this.#kept.get(place);
    if (known && this.#clock.now() - known.at <= FRESH) return known.page;
    if (known) this.#drop(place, known);
    const page = this.#broker
      .read(channel.name, position, { limit, bytes })
      .then((page) => new SharedPage(channel, page));
    const kept: Kept = { page, at: this.#clock.now(), bytes: 0 };
    this.#kept.set(place, kept);
    page.then(
      ({ page }) => this.#keep(place, kept, page, bytes),
      () => this.#drop(place, kept),
    );
    return page;
  }

  /** A page stays valid while there is more after it. */
  #keep(place: string, kept: Kept, page: Page | LogGap, bytes: number): void {
    if (this.#kept.get(place) !== kept) return;
    const last = page.gap ? undefined : page.entries.at(-1);
    if (!last || last.offset === page.head) {
      this.#drop(place, kept);
      return;
    }
    kept.bytes = bytes;
    this.#bytes += kept.bytes;
    for (const [oldest, other] of this.#kept) {
      if (this.#bytes <= KEPT || other === kept) return;
      if (other.bytes > 0) this.#drop(oldest, other);
    }
  }

  #drop(place: string, kept: Kept): void {
    if (this.#kept.get(place) !== kept) return;
    this.#kept.delete(place);
    this.#bytes -= kept.bytes;
  }
}
