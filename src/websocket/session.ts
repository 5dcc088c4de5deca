import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { guard, isThenable } from '../thenable.ts';
import type { QueueVerdict } from './backpressure.ts';
import { Connection, type ConnectionEvents, type Message } from './connection.ts';
import { CLOSE } from './core/close-codes.ts';
import type { Payload } from './core/frame-writer.ts';
import type { MessageDeflate } from './deflate.ts';
import { type Hooks, reportFailed } from './hooks.ts';
import type { Surroundings } from './outgoing.ts';
import type { Subscriber, Topic, Topics } from './topics.ts';
import type { UpgradeRequest } from './upgrade-request.ts';
import { User } from './user.ts';

/** What the sessions of one server share. */
export interface Venue extends Surroundings {
  readonly hooks: Hooks;
  readonly topics: Topics;
  /** The topic of all who are connected. */
  readonly everyone: Topic;
  readonly users: Set<User>;
  /** Those whose closing handshake is over and whose socket is not gone yet. */
  readonly leaving: Set<Session>;
  /** Told when the last socket may have gone. */
  onGone(): void;
}

/** Joins one user's connection to the server's topics and the program's hooks. */
export class Session implements Subscriber, ConnectionEvents {
  readonly connection: Connection;
  readonly user: User;
  topics: Set<Topic> | null = null;
  turn = -1;
  cursor = 0;
  met = -1;
  readonly #venue: Venue;
  #queueAsked = false;

  constructor(
    socket: Duplex,
    venue: Venue,
    request: UpgradeRequest,
    protocol: string,
    deflate: MessageDeflate | null,
    data: unknown,
  ) {
    this.#venue = venue;
    this.connection = new Connection(socket, 'server', this, venue, deflate);
    this.user = new User(this, request, protocol, data);
  }

  start(head: Buffer): void {
    const { topics, everyone, users, hooks } = this.#venue;
    users.add(this.user);
    topics.join(this, everyone);
    this.#guard('onConnect', () => hooks.onConnect(this.user));
    this.connection.start(head);
  }

  settle(): void {
    this.#venue.topics.settle(this);
  }

  subscribe(name: string): void {
    if (this.connection.isOpen) this.#venue.topics.subscribe(this, name);
  }

  unsubscribe(name: string): void {
    this.#venue.topics.unsubscribe(this, name);
  }

  onMessage(message: Message): void {
    // Not through #guard: this is the hot path, and a closure for each message would be its only allocation.
    try {
      const result = this.#venue.hooks.onMessage(this.user, message);
      if (isThenable(result)) Promise.resolve(result).catch((error) => this.#failed('onMessage', error));
    } catch (error) {
      this.#failed('onMessage', error);
    }
  }

  onQueueFull(message: Payload | undefined): QueueVerdict {
    // What the hook itself sends to this user meets the same full queue.
    if (this.#queueAsked) return 'drop';
    this.#queueAsked = true;
    try {
      const verdict: unknown = this.#venue.hooks.onQueueFull(this.user, message);
      if (!isThenable(verdict)) return verdict as QueueVerdict;
      Promise.resolve(verdict).catch(() => {});
      throw new TypeError('it must answer at once, not with a promise');
    } catch (error) {
      this.#failed('onQueueFull', error);
      return 'drop';
    } finally {
      this.#queueAsked = false;
    }
  }

  onClosed(code: number, reason: string): void {
    const { topics, everyone, users, leaving, hooks } = this.#venue;
    users.delete(this.user);
    everyone.subscribers.delete(this);
    topics.leaveAll(this);
    leaving.add(this);
    this.#guard('onClose', () => hooks.onClose(this.user, code, reason));
  }

  onGone(): void {
    this.#venue.leaving.delete(this);
    this.#venue.onGone();
  }

  #guard(hook: string, call: () => unknown): void {
    guard(call, (cause) => this.#failed(hook, cause));
  }

  /** A hook threw, or its promise was rejected: this user is closed, the program is told, the rest go on. */
  #failed(hook: string, cause: unknown): void {
    this.user.close(CLOSE.INTERNAL_ERROR, 'the server failed');
    reportFailed(this.#venue.hooks, hook, cause, this.user);
  }
}
