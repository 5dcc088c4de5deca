import {
  CODES,
  type Code,
  closeCode,
  codeRow,
  encode,
  encodeDirect,
  JsonText,
  type Position,
  type ServerMessage,
} from '../../protocol/index.ts';
import type { Identity } from '../caller.ts';
import type { Excluded } from '../channels/excluded.ts';
import type { Pattern } from '../channels/pattern.ts';
import type { Subscriber, Subscription } from '../channels/subscription.ts';
import { answerOf, errLine } from '../error-answer.ts';
import { EVERYONE, type Wire } from '../wire.ts';
import type { HubContext } from './context.ts';
import { PatternHearing, type PatternSubscriber } from './pattern-hearing.ts';
import type { Resumable } from './resume-tickets.ts';
import { Standing } from './standing.ts';

/** Milliseconds until a client reconnects after a temporary error. */
const COME_BACK = 1_000;

const DONE = Promise.resolve();

/** Handles the frames of a connection. */
export interface FrameReader {
  receive(frame: string): void;
}

/** One client's connection: its identity, its subscriptions, and what is sent to it. */
export class Connection extends Standing implements Subscriber, PatternSubscriber, Excluded, Resumable {
  readonly subscriptions = new Map<string, Subscription>();
  /** Calls that are running. */
  calls = 0;
  readonly #context: HubContext;
  readonly #reader: FrameReader;
  #phase: 'new' | 'ready' | 'over' = 'new';
  /** Created at its first subscription to a pattern. */
  #hearing: PatternHearing | null = null;
  #member: string = this.id;
  #ticket = '';
  /** Resolves when the last requested page has been sent. */
  #paging: Promise<void> = DONE;
  constructor(context: HubContext, wire: Wire, request: unknown, read: (connection: Connection) => FrameReader) {
    super(context, wire, request);
    this.#context = context;
    this.#reader = read(this);
  }

  get kind(): 'protocol' {
    return 'protocol';
  }

  get channels(): readonly string[] {
    return [...this.subscriptions.keys(), ...(this.#hearing?.patterns.keys() ?? [])];
  }

  isSubscribedTo(channelOrPattern: string): boolean {
    return this.subscriptions.has(channelOrPattern) || this.patternOf(channelOrPattern) !== undefined;
  }

  /** Its pattern with that text, if it is subscribed to it. */
  patternOf(text: string): Pattern | undefined {
    return this.#hearing?.patterns.get(text);
  }

  get subscriptionCount(): number {
    return this.subscriptions.size + (this.#hearing?.patterns.size ?? 0);
  }

  /** Its subscriptions through patterns. */
  get hearing(): PatternHearing {
    this.#hearing ??= new PatternHearing(this.#context, this);
    return this.#hearing;
  }

  /** Its id in presence: the user's, or else that of the first connection that it resumes. */
  get member(): string {
    return this.user ?? this.#member;
  }

  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Starts the time limit for `hi`. */
  start(): void {
    this.setDeadline(this.#context.hiTimeout, () => this.end('HI_FIRST', 'there was no hi in time'));
  }

  /**
   * Sets the identity that `connect` returned, and continues where `earlier` was. Returns the ticket for the next
   * connection.
   */
  welcome(identity: Identity, earlier?: Resumable): string {
    this.#phase = 'ready';
    this.admit(identity);
    this.wire.subscribe(EVERYONE);
    if (earlier) {
      this.#member = earlier.member;
      earlier.end('REPLACED');
    }
    this.#ticket = this.#context.resumeTickets.issue(this);
    return this.#ticket;
  }

  protected expire(): void {
    this.end('UNAUTHORIZED', 'the token has expired', undefined, 'TOKEN_EXPIRED');
  }

  /** Handles one frame. */
  receive(frame: string): void {
    this.#reader.receive(frame);
  }

  tell(message: ServerMessage): void {
    this.tellLine(encode(message));
  }

  /** Like `tell`, for a line that is encoded already, such as one with data. False when much is queued already. */
  tellLine(line: string): boolean {
    if (this.isOver) return true;
    this.#context.trace?.('out', line, this);
    return this.wire.send(line);
  }

  send(data: unknown): void {
    this.tellLine(encodeDirect(JsonText.of(data ?? null).text));
  }

  /** Answers a request with an error. See `answerOf`. */
  refuse(id: number, error: unknown, channel?: string): void {
    if (this.isOver) return;
    const answer = answerOf(this.#context, `a request of ${this.user ?? this.id} failed`, error);
    const { code, message } = answer;
    this.#context.observers.tell('onRefused', this, code, { message, channel });
    this.tell(errLine(id, answer));
    // A handler's own codes are answers, not errors.
    const row = codeRow(code);
    if (row && !row.forgiven) this.countError();
  }

  /** Too many errors end the connection. */
  countError(): void {
    if (!this.pace.takeError()) this.end('TOO_MANY_ERRORS', 'too many requests were refused');
  }

  /** Counts one publication against the channel's rate. @throws ProtocolError RATE_LIMITED. */
  takeRate(channel: string, perSecond: number): void {
    this.pace.takePublication(channel, perSecond, () => this.countError());
  }

  inTurn(send: () => Promise<void>): Promise<void> {
    const sent = this.#paging.then(send);
    this.#paging = sent.catch(() => {}); // whose page it was is told
    return sent;
  }

  skip(channel: Parameters<Excluded['skip']>[0], offset: number): void {
    const subscription = this.subscriptions.get(channel.name) ?? this.#hearing?.heard.get(channel.name);
    if (subscription?.isLive) this.tell(['skip', channel.number, offset]);
  }

  /** Ends a subscription. `atOnce`: its member left on purpose, without waiting. */
  leave(subscription: Subscription, atOnce: boolean): void {
    const { channel } = subscription;
    subscription.end();
    this.subscriptions.delete(channel.name);
    if (subscription.hearsPresence) this.wire.unsubscribe(channel.presence!.topic);
    channel.presence?.leave(this.member, this.id, atOnce);
    this.#context.channels.leave(channel);
    this.#hearing?.resume(channel);
  }

  /** The connection subscribes to a channel that it received through patterns. Returns the last position sent. */
  stopHearing(channel: string): Position | undefined {
    return this.#hearing?.stop(channel);
  }

  onLost(subscription: Subscription, cause: unknown): void {
    const { name } = subscription.channel;
    const { code, message } = answerOf(this.#context, `${name} cannot be read for ${this.user ?? this.id}`, cause);
    this.leave(subscription, false);
    this.tell(['end', name, code, message]);
  }

  /** Removes a subscription; the client is told the code. False if there is none. */
  unsubscribe(channel: string, code: Code = 'CLOSED', message: string = CODES[code].meaning): boolean {
    const pattern = this.patternOf(channel);
    if (pattern) {
      this.hearing.end(pattern, code, message);
      return true;
    }
    const subscription = this.subscriptions.get(channel);
    if (!subscription) return false;
    this.leave(subscription, true);
    this.tell(['end', channel, code, message]);
    return true;
  }

  /** Its queue is too long: its live subscriptions continue by their channels' policies. */
  slow(): void {
    this.#context.observers.tell('onSlow', this);
    const live = [...this.subscriptions.values(), ...(this.#hearing?.heard.values() ?? [])].filter(
      (subscription) => subscription.isLive,
    );
    if (live.some(({ channel }) => channel.rules.slow === 'close'))
      this.end('TOO_SLOW', 'the connection reads too slowly');
    else for (const subscription of live) void subscription.fallBehind();
  }

  /** Ends it, with a reason for the client. `after`: milliseconds until it may reconnect. */
  end(code: Code, message: string = CODES[code].meaning, after = COME_BACK, reason?: string): void {
    if (this.isOver) return;
    this.#context.observers.tell('onRefused', this, code, { message, channel: undefined });
    this.tell(['bye', code, { ...(CODES[code].retry && { after }), ...(reason !== undefined && { reason }) }]);
    this.wire.close(closeCode(code), `${code}: ${message}`);
    this.lost();
  }

  /** The socket is closed, or closing. */
  lost(): void {
    if (this.isOver) return;
    this.#phase = 'over';
    this.#hearing?.leaveAll();
    for (const subscription of [...this.subscriptions.values()]) this.leave(subscription, false);
    this.wire.unsubscribe(EVERYONE);
    this.dismiss();
    this.#context.resumeTickets.expire(this.#ticket);
  }
}
