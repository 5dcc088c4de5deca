import type { Member, Presence, ProtocolError, ServerMessage } from '../protocol/index.ts';
import type { Feed, FeedContext, Reader } from './feed.ts';
import type { encodeParts } from './json.ts';
import type { PresenceEvent } from './messages.ts';
import type { isPassing } from './retry.ts';

export type IsPassing = typeof isPassing;

/** A line about members. */
export type PresenceLine = Extract<ServerMessage, readonly ['+' | '-' | 'n', ...unknown[]]>;

/** The presence of an answer. */
export function presenceOf({ members = [], count = members.length }: Partial<Presence>): PresenceEvent {
  return { members: new Map(members.map((member) => [member.id, member])), count };
}

/** The presence after a line, or undefined if nothing has changed. */
export function presenceAfter(before: PresenceEvent, [verb, , told]: PresenceLine): PresenceEvent | undefined {
  // A channel that is too large for a list sends the count only; `members` is then empty.
  if (verb === 'n') return before.count === told && !before.members.size ? undefined : presenceOf({ count: told });
  const members = new Map<string, Member>(before.members);
  const left = members.get(told as string);
  if (verb === '+') members.set(told.id, told);
  else if (!members.delete(told)) return undefined;
  return { members, count: members.size, ...(verb === '+' ? { joined: told } : { left: left! }) };
}

/** The wishes for one channel: each as JSON, or undefined. */
interface Wishes {
  presence?: string | undefined;
  member?: string | undefined;
}

/** A change that somebody waits for. */
interface Change {
  resolve(): void;
  reject(error: Error): void;
}

/** What the server knows of the wishes for one channel. */
interface Told {
  wishes: Wishes;
  /** The server has sent who is there. */
  knows: boolean;
  /** Changes that are in no request yet. */
  pending: Change[];
  failures: number;
}

/**
 * Members: who is in which channel, and as whom we are. The wishes of all subscriptions to a channel are merged, in
 * whatever order they come and go: presence for all when one wants it, and the newest `member`.
 */
export class People {
  readonly #context: FeedContext;
  readonly #isPassing: IsPassing;
  readonly #encode: typeof encodeParts;
  readonly #ProtocolError: typeof ProtocolError;
  /** Those who were told who is there. */
  readonly #shown = new WeakSet<Reader>();
  readonly #told = new Map<Feed, Told>();

  constructor(context: FeedContext, isPassing: IsPassing, encode: typeof encodeParts, error: typeof ProtocolError) {
    this.#ProtocolError = error;
    this.#encode = encode;
    this.#context = context;
    this.#isPassing = isPassing;
  }

  handle(message: ServerMessage): void {
    const [verb] = message;
    if (verb !== '+' && verb !== '-' && verb !== 'n') return;
    const feed = this.#context.numbers.get(message[1]);
    if (feed) this.#present(feed, presenceAfter(feed.presence, message));
  }

  /** `sub` is sent, with these wishes. */
  asking(feed: Feed): void {
    const told = this.#of(feed);
    told.wishes = wishesOf(feed);
    told.knows = false;
  }

  /** The answer to `sub`. */
  accepted(feed: Feed, result: Partial<Presence>): void {
    const told = this.#of(feed);
    this.#accepted(feed, told, told.pending.splice(0), result);
    // They may have changed before the answer.
    this.changed(feed);
  }

  /** Changes what the others see of us; undefined: we are no member. Rejects with a TypeError, and as the server refuses. */
  async setMember(feed: Feed, reader: Reader, data: unknown): Promise<void> {
    const { bytes } = this.#context.settings;
    const member = this.#encode({ member: bytes.written?.(data) ?? data }).slice(1, -2);
    if (!feed.readers.has(reader)) throw new this.#ProtocolError('CLOSED', 'the subscription has ended');
    const before = reader.wishes;
    const wishes = [...(partsOf(before).presence ? ['"presence":true'] : []), ...(member ? [member] : [])].join();
    reader.wishes = wishes;
    // The newest is last.
    feed.readers.delete(reader);
    feed.readers.add(reader);
    return new Promise((resolve, reject) => {
      this.#of(feed).pending.push({
        resolve,
        reject: (error) => {
          if (reader.wishes === wishes) reader.wishes = before;
          reject(error);
        },
      });
      this.changed(feed);
    });
  }

  /** Readers came, went, or have other wishes: tells the server what has changed. */
  changed(feed: Feed): void {
    // While there is no connection, or `sub` has no answer, that is told later.
    if (feed.isPattern || !/live|catching/.test(feed.state)) return;
    const told = this.#of(feed);
    const { presence, member } = told.wishes;
    const wishes = wishesOf(feed);
    if (told.knows) this.#showNewcomers(feed);
    const changes = [
      ...(wishes.presence === presence ? [] : [`"presence":${!!wishes.presence}`]),
      ...(wishes.member === member ? [] : [wishes.member ? `"member":${wishes.member}` : '"leave":true']),
    ];
    const pending = told.pending.splice(0);
    if (changes.length === 0) {
      for (const { resolve } of pending) resolve();
      return;
    }
    const before = told.wishes;
    told.wishes = wishes;
    if (wishes.presence !== presence) told.knows = false;
    if (presence && !wishes.presence) this.#present(feed, presenceOf({}));
    this.#context.session.ask('set', `${JSON.stringify(feed.channel)},{${changes}}]`, {
      ok: (result) => this.#accepted(feed, told, pending, (result ?? {}) as Partial<Presence>),
      err: (error) => {
        if (told.wishes === wishes) told.wishes = before;
        this.#refused(feed, told, pending, error);
      },
      // All wishes are in the next `sub`.
      lost: () => told.pending.unshift(...pending),
    });
  }

  /** It has ended. */
  end(feed: Feed, error: Error): void {
    for (const { reject } of this.#told.get(feed)?.pending ?? []) reject(error);
    this.#told.delete(feed);
  }

  #accepted(feed: Feed, told: Told, pending: Change[], result: Partial<Presence>): void {
    told.failures = 0;
    for (const reader of feed.readers) reader.isAccepted = true;
    for (const { resolve } of pending) resolve();
    if (!result.members && result.count === undefined) return;
    told.knows = true;
    this.#present(feed, presenceOf(result));
  }

  #refused(feed: Feed, told: Told, pending: Change[], error: ProtocolError): void {
    if (this.#isPassing(error)) {
      told.pending.unshift(...pending);
      this.#context.session.retry(error, told.failures++, () => this.changed(feed));
      return;
    }
    for (const { reject } of pending) reject(error);
    // Who brought the wish cannot have it; the others go on as before.
    const refused = [...feed.readers].filter(({ isAccepted }) => !isAccepted);
    for (const reader of refused) {
      feed.remove(reader);
      reader.onEnd(error);
    }
    if (pending.length + refused.length > 0) this.changed(feed);
  }

  #of(feed: Feed): Told {
    const told = this.#told.get(feed) ?? { wishes: {}, knows: false, pending: [], failures: 0 };
    this.#told.set(feed, told);
    return told;
  }

  /** A subscription that wants what is known already is told it at once, as the first one was. */
  #showNewcomers(feed: Feed): void {
    for (const reader of [...feed.readers])
      if (!this.#shown.has(reader) && partsOf(reader.wishes).presence) {
        this.#shown.add(reader);
        reader.emit('presence', feed.presence as never);
      }
  }

  #present(feed: Feed, presence: PresenceEvent | undefined): void {
    if (!presence) return;
    feed.presence = presence;
    for (const reader of feed.readers) this.#shown.add(reader);
    feed.tell('presence', presence);
  }
}

function partsOf(wishes: string): Wishes {
  const parts: Record<string, unknown> = JSON.parse(`{${wishes}}`);
  return Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, JSON.stringify(value)]));
}

/** Those of all readers; of the newest one where they differ. */
function wishesOf({ readers }: Feed): Wishes {
  return Object.assign({}, ...[...readers].map(({ wishes }) => partsOf(wishes)));
}
