import type {
  Client,
  ClientState,
  GapEvent,
  Message,
  PresenceEvent,
  Subscription,
  Timers,
} from '../src/client/index.ts';
import {
  type ChatMessage,
  freeName,
  readChatData,
  readChatMember,
  tidyName,
  tidyText,
} from '../src/server/chat/message.ts';

/**
 * `out` before entering and after quitting; `entering` until we are in the room; `lost` in a pause before the next
 * attempt; `ended` when the server refuses us.
 */
export type Status = 'out' | 'entering' | 'in' | 'lost' | 'ended';

export interface Person {
  id: string;
  name: string;
}

export interface Said {
  author: Person;
  text: string;
  /** Milliseconds since 1970, by the server's clock. */
  at: number;
  mine: boolean;
}

export type Notice =
  | { kind: 'joined' | 'left' | 'youJoined'; name: string }
  | { kind: 'connectionLost' | 'back' | 'gap' | 'notSent' };

export interface Listener {
  onStatus(status: Status): void;
  onSaid(said: Said): void;
  onNotice(notice: Notice): void;
  /** In the order in which they joined. */
  onPeople(people: readonly Person[]): void;
  /** The messages that the server has not acknowledged yet, oldest first. */
  onPending(texts: readonly string[]): void;
  /** The names of those who are typing now. */
  onTyping(names: readonly string[]): void;
}

export interface ConversationOptions {
  client: Client;
  /** A channel: `chat:square`. */
  room: string;
  /** Our id, unique, and the same after a page load. */
  me: string;
  listener: Listener;
  timers: Timers;
}

/** Messages shown on entering: about two screens. */
const RECENT = 50;
/** Milliseconds between two notices that we are typing. */
const TYPING_EVERY = 2_500;
/** Milliseconds for which such a notice is shown: until the next one, and some for latency. */
const TYPING_SHOWN = 4_000;
/** Milliseconds after a lost connection within which a returning person is not announced. */
const RETURNING = 60_000;

/** The logic of a room without the page: who is here, what is still to be sent, what was seen. */
export class Conversation {
  readonly room: string;
  readonly me: string;
  readonly #client: Client;
  readonly #listener: Listener;
  readonly #timers: Timers;
  #status: Status = 'out';
  #name = '';
  #welcomed = false;
  #subscription: Subscription | undefined;
  /** The position of an earlier subscription, so that after quitting and returning nothing is shown twice. */
  #since: Subscription['position'];
  #people = new Map<string, Person>();
  /** Those who were here before the list was replaced, and may return without an announcement. */
  #returning = new Set<string>();
  #cancelReturning = () => {};
  /** Our own messages that have arrived before the server's acknowledgement. */
  readonly #heard = new Set<string>();
  /** Messages that arrive while the earlier ones are fetched. */
  #held: Message[] | undefined;
  readonly #writing = new Map<string, { name: string; cancel: () => void }>();
  #typedAt = Number.NEGATIVE_INFINITY;

  constructor({ client, room, me, listener, timers }: ConversationOptions) {
    this.#client = client;
    this.room = room;
    this.me = me;
    this.#listener = listener;
    this.#timers = timers;
  }

  /** Call it once. */
  listen(): void {
    this.#client.on('state', (state) => this.#clientChanged(state));
    this.#client.on('error', () => this.#tellPending()); // a restored message was refused, or the status shows it
  }

  get status(): Status {
    return this.#status;
  }

  /** Milliseconds until the next attempt. */
  get retryIn(): number {
    return this.#client.retryIn;
  }

  /** Whether the server has accepted us since `enter`. */
  get welcomed(): boolean {
    return this.#welcomed;
  }

  enter(name: string): void {
    this.#name = tidyName(name);
    this.#welcomed = false;
    this.#lookAround();
    this.#tellPending();
  }

  /** Leaves on purpose. */
  quit(): void {
    this.#become('out');
    this.#leave();
    this.#client.close();
  }

  /** Connects now instead of at the end of the pause. */
  reconnect(): void {
    if (this.#status === 'ended') this.#lookAround();
    else this.#client.retryNow();
  }

  /** Sends it now, or as soon as there is a connection. False if it is refused at once. */
  say(text: string): boolean {
    const tidied = tidyText(text);
    if (tidied === '' || this.#status === 'out' || this.#status === 'ended') return false;
    this.#typedAt = Number.NEGATIVE_INFINITY;
    this.#client.publish(this.room, { text: tidied, name: this.#name, person: this.me }).then(
      () => this.#tellPending(),
      ({ code }) => {
        this.#tellPending();
        if (code !== 'CLOSED') this.#listener.onNotice({ kind: 'notSent' });
      },
    );
    // `publish` adds it to the outbox synchronously, or refuses it.
    this.#tellPending();
    return true;
  }

  /** Notifies the others that we are typing. */
  typing(): void {
    const now = this.#timers.now();
    if (this.#status !== 'in' || now - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = now;
    const notice = { typing: true, name: this.#name, person: this.me };
    this.#client.publish(this.room, notice, { keep: false, echo: false }).catch(() => {}); // not retried
  }

  /** Looks who is in the room before entering it, so that no two people have the same name. */
  #lookAround(): void {
    const look = this.#client.subscribe(this.room, { presence: true });
    this.#subscription = look;
    look.on('error', () => this.#refused());
    look.on('presence', ({ members }) => {
      const here = peopleOf(members);
      const others = [...here.values()].filter(({ id }) => id !== this.me).map(({ name }) => name);
      // After a page load we are still a member.
      this.#name = here.get(this.me)?.name ?? freeName(this.#name, others);
      look.unsubscribe();
      this.#goIn();
    });
  }

  #goIn(): void {
    const subscription = this.#client.subscribe(this.room, {
      since: this.#since,
      recent: RECENT,
      presence: true,
      member: { name: this.#name, person: this.me },
    });
    this.#subscription = subscription;
    subscription.on('presence', (event) => this.#presenceChanged(event));
    subscription.on('message', (message) => this.#receive(message));
    subscription.on('gap', (gap) => void this.#fill(gap));
    subscription.on('live', () => this.#arrive());
    subscription.on('error', () => this.#refused());
  }

  #leave(): void {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    this.#since = subscription?.position ?? this.#since;
    subscription?.unsubscribe();
    this.#people.clear();
    this.#forgetReturning();
    for (const id of [...this.#writing.keys()]) this.#stopWriting(id);
  }

  #clientChanged(state: ClientState): void {
    if (this.#status === 'out' && state !== 'connecting') return;
    switch (state) {
      case 'connecting':
        this.#become('entering');
        break;
      case 'waiting':
        if (this.#status === 'in') this.#listener.onNotice({ kind: 'connectionLost' });
        this.#become('lost');
        break;
      case 'closed':
        this.#leave();
        this.#become('ended');
    }
  }

  /** The room refuses us. */
  #refused(): void {
    if (this.#status !== 'out') this.#client.close();
  }

  #arrive(): void {
    if (this.#status === 'in') return;
    this.#listener.onNotice(this.#welcomed ? { kind: 'back' } : { kind: 'youJoined', name: this.#name });
    this.#welcomed = true;
    this.#become('in');
  }

  #presenceChanged({ members, joined, left }: PresenceEvent): void {
    const before = this.#people;
    this.#people = peopleOf(members);
    if (joined) {
      const { person, name } = readChatMember(joined.id, joined.data);
      const isNews = !before.has(person) && !this.#returning.delete(person);
      if (isNews && person !== this.me) this.#listener.onNotice({ kind: 'joined', name });
    } else if (left) {
      const { person, name } = readChatMember(left.id, left.data);
      this.#stopWriting(person);
      if (!this.#people.has(person)) this.#listener.onNotice({ kind: 'left', name });
    } else this.#expect(before);
    this.#listener.onPeople([...this.#people.values()]);
  }

  /** The server or we were away: people who are not back yet may be reconnecting. */
  #expect(before: ReadonlyMap<string, Person>): void {
    for (const id of before.keys()) if (!this.#people.has(id)) this.#returning.add(id);
    this.#cancelReturning();
    this.#cancelReturning = this.#timers.after(RETURNING, () => this.#forgetReturning());
  }

  #forgetReturning(): void {
    this.#cancelReturning();
    this.#returning.clear();
  }

  #receive(message: Message): void {
    const data = readChatData(message.data);
    if (!data) return;
    if ('typing' in data) this.#startWriting(data.person, data.name);
    else if (this.#held) this.#held.push(message);
    else this.#hear(message, data);
  }

  #hear({ key, mine, user, time }: Message, { text, name, person = user ?? name }: ChatMessage): void {
    if (mine && key !== undefined) this.#heard.add(key);
    this.#tellPending();
    this.#stopWriting(person);
    const author = { id: person, name };
    this.#listener.onSaid({ author, text, at: time ?? Date.now(), mine: mine || person === this.me });
  }

  /** Messages were lost. Shows what the log still has from before the new position. */
  async #fill({ oldest, head, epoch }: GapEvent): Promise<void> {
    this.#listener.onNotice({ kind: 'gap' });
    const subscription = this.#subscription;
    if (head < oldest || !subscription) return;
    const held: Message[] = [];
    this.#held = held;
    const after = Math.max(oldest - 1, head - RECENT);
    const page = await subscription.history({ after: [epoch, after], limit: RECENT }).catch(() => undefined);
    if (this.#held !== held) return;
    this.#held = undefined;
    const missed = page?.messages.filter(({ position }) => position && position[1] <= head) ?? [];
    for (const message of [...missed, ...held]) this.#receive(message);
  }

  #startWriting(id: string, name: string): void {
    if (id === this.me) return;
    this.#writing.get(id)?.cancel();
    this.#writing.set(id, { name, cancel: this.#timers.after(TYPING_SHOWN, () => this.#stopWriting(id)) });
    this.#tellTyping();
  }

  #stopWriting(id: string): void {
    this.#writing.get(id)?.cancel();
    if (this.#writing.delete(id)) this.#tellTyping();
  }

  #tellTyping(): void {
    this.#listener.onTyping([...this.#writing.values()].map(({ name }) => name));
  }

  #tellPending(): void {
    const waiting = this.#client.waiting.filter(({ channel }) => channel === this.room);
    const keys = new Set(waiting.map(({ key }) => key));
    for (const key of this.#heard) if (!keys.has(key)) this.#heard.delete(key);
    this.#listener.onPending(
      waiting
        .filter(({ key }) => !this.#heard.has(key))
        .map(({ data }) => readChatData(data))
        .flatMap((data) => (data && 'text' in data ? [data.text] : [])),
    );
  }

  #become(status: Status): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#listener.onStatus(status);
  }
}

/** A person with two tabs, or two connections during a page load, is listed once. */
function peopleOf(members: PresenceEvent['members']): Map<string, Person> {
  const people = new Map<string, Person>();
  for (const { id, data } of members.values()) {
    const { person, name } = readChatMember(id, data);
    people.set(person, { id: person, name });
  }
  return people;
}
