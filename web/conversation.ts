import { type PlainSocket, ReconnectingSocket, type Timers } from '../src/client/reconnecting-socket.ts';
import type { ChatEvent, ChatRequest, Person, Position, Said } from '../src/server/chat-messages.ts';

/**
 * `out` before entering and after quitting; `entering` until the server welcomes us; `lost` in a pause before the
 * next attempt; `ended` when the server does not want us back.
 */
export type Status = 'out' | 'entering' | 'in' | 'lost' | 'ended';

export type Notice =
  | { kind: 'joined' | 'left'; name: string; at: number }
  | { kind: 'youJoined'; name: string }
  | { kind: 'connectionLost' | 'back' | 'gap' | 'notSent' };

export interface Pending {
  key: string;
  text: string;
}

export interface Listener {
  onStatus(status: Status): void;
  onSaid(said: Said, mine: boolean): void;
  onNotice(notice: Notice): void;
  onPeople(people: readonly Person[], me: number): void;
  /** What the server has not confirmed yet, oldest first. */
  onPending(pending: readonly Pending[]): void;
}

export interface ConversationOptions {
  connect: () => PlainSocket;
  listener: Listener;
  /** A new secret of at least 16 characters at each call. */
  secret: () => string;
  /** From an earlier life of this tab. */
  session?: string;
  pending?: readonly Pending[];
  timers?: Timers;
  random?: () => number;
}

/** Close code of the chat: the same page came back through another connection, which is the one that counts. */
const REPLACED = 4001;
/** How long the server may take to answer, in ms, before the connection counts as lost. */
const ANSWER_WITHIN = 8000;

/** The page's side of the chat, without the page: who is here, what is still to be sent, what was seen. */
export class Conversation {
  readonly #listener: Listener;
  readonly #secret: () => string;
  readonly #socket: ReconnectingSocket;
  #status: Status = 'out';
  #session: string;
  #name = '';
  #welcomed = false;
  #seen: Position | undefined;
  #me = 0;
  #people: Person[] = [];
  #pending: Pending[];

  constructor({ connect, listener, secret, session, pending, timers, random }: ConversationOptions) {
    this.#listener = listener;
    this.#secret = secret;
    this.#session = session ?? secret();
    this.#pending = [...(pending ?? [])];
    this.#socket = new ReconnectingSocket({
      connect,
      onState: () => this.#socketChanged(),
      onMessage: (data) => this.#receive(JSON.parse(String(data)) as ChatEvent),
      finalCodes: [1008, REPLACED],
      ...(timers && { timers }),
      ...(random && { random }),
    });
  }

  get status(): Status {
    return this.#status;
  }

  get session(): string {
    return this.#session;
  }

  get pending(): readonly Pending[] {
    return this.#pending;
  }

  /** Milliseconds until the next attempt. */
  get retryIn(): number {
    return this.#socket.retryIn;
  }

  /** Has the server let us in since `enter`? */
  get welcomed(): boolean {
    return this.#welcomed;
  }

  /** Ended because another tab took over, and not because the server refused us. */
  get replaced(): boolean {
    return this.#socket.closeCode === REPLACED;
  }

  enter(name: string): void {
    this.#name = name;
    this.#welcomed = false;
    this.#socket.open();
  }

  /** Leaves on purpose. Who enters afterwards is somebody new to the others. */
  quit(): void {
    this.#session = this.#secret();
    this.#people = [];
    this.#socket.close();
    if (this.#status !== 'out') this.#become('out');
  }

  /** Connects now instead of at the end of the pause. */
  reconnect(): void {
    this.#socket.open();
  }

  /** Something happened that connections often do not survive (the machine slept, the network changed). */
  check(): void {
    this.#socket.retryNow();
    if (this.#status === 'in') this.#ask({ kind: 'ping' });
  }

  /** Sends it now, or as soon as there is a connection. */
  say(text: string): void {
    if (text.trim() === '') return;
    const pending = { key: this.#secret(), text };
    this.#pending.push(pending);
    this.#listener.onPending(this.#pending);
    if (this.#status === 'in') this.#ask({ kind: 'say', ...pending });
  }

  #socketChanged(): void {
    switch (this.#socket.state) {
      case 'connecting':
        this.#become('entering');
        break;
      case 'open':
        this.#ask({
          kind: 'join',
          name: this.#name,
          session: this.#session,
          ...(this.#seen && { seen: this.#seen }),
        });
        break;
      case 'waiting':
        if (this.#status === 'in') this.#listener.onNotice({ kind: 'connectionLost' });
        this.#become('lost');
        break;
      case 'closed':
        this.#become(this.#socket.closeCode === undefined ? 'out' : 'ended');
        break;
    }
  }

  #receive(event: ChatEvent): void {
    switch (event.kind) {
      case 'welcome':
        this.#arrive(event);
        break;
      case 'joined':
        this.#people = [...this.#people, event.person];
        this.#listener.onNotice({ kind: 'joined', name: event.person.name, at: event.at });
        this.#listener.onPeople(this.#people, this.#me);
        break;
      case 'left':
        this.#people = this.#people.filter((person) => person.id !== event.person.id);
        this.#listener.onNotice({ kind: 'left', name: event.person.name, at: event.at });
        this.#listener.onPeople(this.#people, this.#me);
        break;
      case 'said':
        this.#hear(event);
        break;
      case 'error':
        this.#settle(event.key);
        this.#listener.onNotice({ kind: 'notSent' });
        break;
    }
  }

  #arrive(event: ChatEvent & { kind: 'welcome' }): void {
    const { you, people, room, messages, gap } = event;
    const comingBack = this.#welcomed;
    this.#welcomed = true;
    // The server may have mended it. To ask for the same again keeps namesakes apart when all come back at once.
    this.#name = you.name;
    this.#me = you.id;
    this.#people = people;
    if (this.#seen?.room !== room) this.#seen = { room, number: 0 };
    if (gap) this.#listener.onNotice({ kind: 'gap' });
    for (const message of messages) this.#hear(message);
    this.#listener.onNotice(comingBack ? { kind: 'back' } : { kind: 'youJoined', name: you.name });
    this.#listener.onPeople(people, you.id);
    this.#become('in');
    for (const pending of this.#pending) this.#ask({ kind: 'say', ...pending });
  }

  #hear(said: Said): void {
    this.#settle(said.key);
    if (!this.#seen || said.number <= this.#seen.number) return;
    this.#seen.number = said.number;
    this.#listener.onSaid(said, said.key !== undefined);
  }

  /** The server has answered for that message. */
  #settle(key: string | undefined): void {
    const before = this.#pending.length;
    this.#pending = this.#pending.filter((pending) => pending.key !== key);
    if (this.#pending.length !== before) this.#listener.onPending(this.#pending);
  }

  #ask(request: ChatRequest): void {
    this.#socket.send(JSON.stringify(request));
    this.#socket.expectAnswer(ANSWER_WITHIN);
  }

  #become(status: Status): void {
    this.#status = status;
    this.#listener.onStatus(status);
  }
}
