import { CODES, type Code, type Position } from '../../protocol/index.ts';
import type { UserConnection } from '../caller.ts';
import type { Channel } from '../channels/channel.ts';
import type { Pattern, PatternReader } from '../channels/pattern.ts';
import { type Subscriber, Subscription } from '../channels/subscription.ts';
import { answerOf } from '../error-answer.ts';
import type { HubMessage } from '../outgoing.ts';
import type { Wire } from '../wire.ts';
import type { HubContext } from './context.ts';

/** A connection that subscribes to patterns. */
export interface PatternSubscriber extends UserConnection {
  readonly wire: Wire;
  readonly isOver: boolean;
  /** By channel name: a channel with its own subscription is not delivered through a pattern as well. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  tell(message: HubMessage): void;
  inTurn: Subscriber['inTurn'];
}

/** The patterns of one connection, and its subscriptions to the channels that it receives only through them. */
export class PatternHearing implements PatternReader, Subscriber {
  readonly patterns = new Map<string, Pattern>();
  readonly heard = new Map<string, Subscription>();
  readonly #context: Pick<HubContext, 'patterns' | 'pages' | 'report' | 'observers'>;
  readonly #connection: PatternSubscriber;

  constructor(context: Pick<HubContext, 'patterns' | 'pages' | 'report' | 'observers'>, connection: PatternSubscriber) {
    this.#context = context;
    this.#connection = connection;
  }

  get wire(): Wire {
    return this.#connection.wire;
  }

  inTurn(send: () => Promise<void>): Promise<void> {
    return this.#connection.inTurn(send);
  }

  /** Subscribes to what is published from now on to the channels of a pattern. */
  join(pattern: Pattern): void {
    this.patterns.set(pattern.text, pattern);
    const known = this.heard.values().map(({ channel }) => channel);
    this.#context.patterns.join(pattern, this, known);
    this.#context.observers.tell('onSubscribe', this.#connection, pattern.text);
  }

  leave(pattern: Pattern): void {
    this.patterns.delete(pattern.text);
    this.#context.patterns.leave(pattern, this);
    for (const subscription of this.heard.values())
      if (this.#covering(subscription.channel).length === 0) this.#stop(subscription);
    this.#context.observers.tell('onUnsubscribe', this.#connection, pattern.text);
  }

  leaveAll(): void {
    for (const pattern of [...this.patterns.values()]) this.leave(pattern);
  }

  /** Removes a pattern; the client is told the code. */
  end(pattern: Pattern, code: Code, message: string = CODES[code].meaning): void {
    this.leave(pattern);
    this.#connection.tell(['end', pattern.text, code, message]);
  }

  /** The channel's own subscription has ended: it is delivered through patterns again, and introduced again. */
  resume(channel: Channel): void {
    for (const pattern of this.#covering(channel)) this.#context.patterns.join(pattern, this);
  }

  hear(channel: Channel): void {
    const { name, number, epoch, head } = channel;
    const { isOver, subscriptions } = this.#connection;
    if (isOver || subscriptions.has(name) || this.heard.has(name)) return;
    this.#connection.tell(['ch', number, name, epoch, head]);
    const subscription = new Subscription(this.#context.pages, this, channel, channel.position);
    this.heard.set(name, subscription);
    subscription.start();
  }

  unhear(channel: Channel): void {
    const subscription = this.heard.get(channel.name);
    if (!subscription) return;
    const isBehind = !subscription.isLive;
    this.#stop(subscription);
    if (isBehind) this.#endAll(channel, 'TOO_SLOW');
  }

  /** The channel now has its own subscription. Returns the last position sent. */
  stop(channel: string): Position | undefined {
    const subscription = this.heard.get(channel);
    if (!subscription) return undefined;
    const { position } = subscription;
    this.#stop(subscription);
    return position;
  }

  isBehind(channel: Channel): boolean {
    return this.heard.get(channel.name)?.isLive === false;
  }

  onLost(subscription: Subscription, cause: unknown): void {
    const { channel } = subscription;
    const { user, id } = this.#connection;
    const { code, message } = answerOf(this.#context, `${channel.name} cannot be read for ${user ?? id}`, cause);
    this.#stop(subscription);
    this.#endAll(channel, code as Code, message);
  }

  #covering({ name, rules }: Channel): Pattern[] {
    return [...this.patterns.values()].filter((pattern) => pattern.covers(name, rules));
  }

  #stop(subscription: Subscription): void {
    subscription.end();
    this.heard.delete(subscription.channel.name);
  }

  /** The channel's publications cannot be delivered through the patterns that match it. */
  #endAll(channel: Channel, code: Code, message?: string): void {
    for (const pattern of this.#covering(channel)) this.end(pattern, code, message);
  }
}
