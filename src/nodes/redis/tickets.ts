import { randomBytes } from 'node:crypto';
import { type RedisAccess, scriptOf } from '../../broker/index.ts';
import type { Place, Tickets } from '../tickets.ts';

/** Tickets in one call. */
const BATCH = 256;

/** KEYS: the tickets of a node. ARGV: milliseconds until they expire, then ticket and place; '' for one to be deleted. */
const KEEP_SCRIPT = scriptOf(`
for at = 2, #ARGV, 2 do
  if ARGV[at + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[at])
  else redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
`);

/** KEYS: the tickets of a node. ARGV: a ticket. */
const TAKE_SCRIPT = scriptOf(`
local place = redis.call('HGET', KEYS[1], ARGV[1])
if place then redis.call('HDEL', KEYS[1], ARGV[1]) end
return place
`);

/** A hash for each node, which lasts as long as the members of the node are shown. */
export class RedisTickets implements Tickets {
  readonly origin = randomBytes(9).toString('base64url');
  readonly #access: RedisAccess;
  /** Milliseconds. */
  readonly #lasts: number;
  #changes = new Map<string, string>();
  #isScheduled = false;
  #all: () => Iterable<readonly [string, Place]> = () => [];

  /** `lasts`: milliseconds without a sign of life after which a node's tickets are void. */
  constructor(access: RedisAccess, lasts: number) {
    this.#access = access;
    this.#lasts = Math.ceil(lasts);
  }

  keep(all: () => Iterable<readonly [string, Place]>): void {
    this.#all = all;
  }

  put(ticket: string, place: Place): void {
    this.#change(ticket, written(place));
  }

  drop(ticket: string): void {
    this.#change(ticket, '');
  }

  async take(ticket: string, origin: string): Promise<Place | undefined> {
    const place = (await this.#run(origin, TAKE_SCRIPT, [ticket])) as string | null;
    return place === null ? undefined : JSON.parse(place);
  }

  /** This node lives. Rejects with LOG_…. */
  async renew(): Promise<void> {
    await this.#write([], this.#lasts);
  }

  /** Redis may have forgotten them. Rejects with LOG_…. */
  async putAgain(): Promise<void> {
    let batch: string[] = [];
    for (const [ticket, place] of this.#all()) {
      batch.push(ticket, written(place));
      if (batch.length < 2 * BATCH) continue;
      await this.#write(batch, this.#lasts);
      batch = [];
    }
    if (batch.length > 0) await this.#write(batch, this.#lasts);
  }

  /** This node goes: its tickets are valid for so many milliseconds. Rejects with LOG_…. */
  async leave(milliseconds: number): Promise<void> {
    await this.#flush();
    await this.#write([], Math.max(1, Math.ceil(milliseconds)));
  }

  #change(ticket: string, text: string): void {
    this.#changes.set(ticket, text);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      // If Redis is away, they are put again when it is back.
      this.#flush().catch(() => {});
    });
  }

  async #flush(): Promise<void> {
    const changes = [...this.#changes];
    this.#changes = new Map();
    for (let at = 0; at < changes.length; at += BATCH)
      await this.#write(changes.slice(at, at + BATCH).flat(), this.#lasts);
  }

  async #write(changes: readonly string[], lasts: number): Promise<void> {
    await this.#run(this.origin, KEEP_SCRIPT, [lasts, ...changes]);
  }

  #run(origin: string, script: typeof TAKE_SCRIPT, args: readonly (string | number)[]): Promise<unknown> {
    const access = this.#access;
    const partition = access.partitionOf(`tickets ${origin}`);
    return access.run(partition, script, [`${access.base(partition)}:tickets:${origin}`], args);
  }
}

/** The place alone: the one that has it may be a connection, with all that belongs to it. */
function written({ user, member }: Place): string {
  return JSON.stringify({ user, member });
}
