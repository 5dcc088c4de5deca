import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { guard, isThenable } from '../thenable.ts';
import type { QueueVerdict } from './backpressure.ts';
import { Connection, type ConnectionEvents, type Message } from './connection.ts';
import { CLOSE } from './core/close-codes.ts';
import type { Payload } from './core/frame-writer.ts';
import type { MessageDeflate } from './deflate.ts';
import { reportFailed } from './report.ts';
import type { SessionContext } from './session-context.ts';
import type { Topic } from './topic.ts';
import type { UpgradeRequest } from './upgrade-request.ts';
import { User, type UserSession } from './user.ts';

/** Connects one user's connection to the server's topics and the application's hooks. */
export class Session implements UserSession, ConnectionEvents {
  readonly connection: Connection;
  readonly user: User;
  topics: Set<Topic> | null = null;
  turn = -1;
  cursor = 0;
  met = -1;
  readonly #context: SessionContext;
  #queueAsked = false;

  constructor(
    socket: Duplex,
    context: SessionContext,
    request: UpgradeRequest,
    protocol: string,
    deflate: MessageDeflate | null,
    data: unknown,
  ) {
    this.#context = context;
    this.connection = new Connection(socket, 'server', this, context, deflate);
    this.user = new User(this, request, protocol, data);
  }

  start(head: Buffer): void {
    const { topics, everyone, users, hooks } = this.#context;
    users.add(this.user);
    topics.join(this, everyone);
    this.#guard('onConnect', () => hooks.onConnect(this.user));
    this.connection.start(head);
  }

  settle(): void {
    this.#context.topics.settle(this);
  }

  subscribe(name: string): void {
    if (this.connection.isOpen) this.#context.topics.subscribe(this, name);
  }

  unsubscribe(name: string): void {
    this.#context.topics.unsubscribe(this, name);
  }

  onMessage(message: Message): void {
    // Not through #guard: on this hot path, its closure would be the only allocation per message.
    try {
      const result = this.#context.hooks.onMessage(this.user, message);
      if (isThenable(result)) Promise.resolve(result).catch((error) => this.#failed('onMessage', error));
    } catch (error) {
      this.#failed('onMessage', error);
    }
  }

  onQueueFull(message: Payload | undefined): QueueVerdict {
    // The hook's own messages to this user would find the same full queue.
    if (this.#queueAsked) return 'drop';
    this.#queueAsked = true;
    try {
      const verdict: unknown = this.#context.hooks.onQueueFull(this.user, message);
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
    const { topics, everyone, users, leaving, hooks } = this.#context;
    users.delete(this.user);
    everyone.subscribers.delete(this);
    topics.leaveAll(this);
    leaving.add(this.connection);
    this.#guard('onClose', () => hooks.onClose(this.user, code, reason));
  }

  onGone(): void {
    this.#context.leaving.delete(this.connection);
    this.#context.onGone();
  }

  #guard(hook: string, call: () => unknown): void {
    guard(call, (cause) => this.#failed(hook, cause));
  }

  /**
   * A hook threw, or its promise was rejected: this user is closed and `onError` is called; the others are not
   * affected.
   */
  #failed(hook: string, cause: unknown): void {
    this.user.close(CLOSE.INTERNAL_ERROR, 'the server failed');
    reportFailed(this.#context.hooks, hook, cause, this.user);
  }
}
