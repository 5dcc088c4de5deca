import {
  type ClientMessage,
  CODES,
  type Code,
  closeCode,
  codeRow,
  JsonText,
  type Position,
} from '../../protocol/index.ts';
import type { Identity } from '../caller.ts';
import type { Excluded } from '../channels/excluded.ts';
import type { Pattern } from '../channels/pattern.ts';
import type { Subscriber, Subscription } from '../channels/subscription.ts';
import { answerOf, errMessage } from '../error-answer.ts';
import { type HubMessage, Outgoing } from '../outgoing.ts';
import type { VisitorRequest } from '../visitor-request.ts';
import { EVERYONE, type Wire } from '../wire.ts';
import { Asked } from './asked.ts';
import type { HubContext } from './context.ts';
import { PatternHearing, type PatternSubscriber } from './pattern-hearing.ts';
import { PublishingOrder } from './publishing-order.ts';
import type { Resumable } from './resume-tickets.ts';
import { LOST, Standing } from './standing.ts';

/** Milliseconds until a client reconnects after a temporary error. */
const COME_BACK = 1_000;

const DONE = Promise.resolve();

/** Handles what a client asks for. */
export interface RequestHandler {
  /** One frame of lines. */
  receive(frame: string): void;
  /** The same for a transport that has no lines: what it passes is not checked again. */
  ask(message: ClientMessage<JsonText>): void;
}

/** One client's connection: its identity, its subscriptions, and what is sent to it. */
export class Connection extends Standing implements Subscriber, PatternSubscriber, Excluded, Resumable {
  readonly subscriptions = new Map<string, Subscription>();
  /** Calls that are running. */
  calls = 0;
  readonly #context: HubContext;
  readonly #requests: RequestHandler;
  #phase: 'new' | 'ready' | 'over' = 'new';
  /** Publications that are passed to the log and not answered yet. */
  #owed = 0;
  #publishing: PublishingOrder | null = null;
  /** Nothing more is taken from it, and it ends when it has its answers. */
  #isLeaving = false;
  /** Created at its first subscription to a pattern. */
  #hearing: PatternHearing | null = null;
  /** Channels that the server wants it to have; null: none. */
  #added: Set<string> | null = null;
  /** It subscribes to them. */
  #isFollowing = false;
  /** Created when it offers a method. */
  #asked: Asked | null = null;
  #member: string = this.id;
  #ticket = '';
  /** Resolves when the last requested page has been sent. */
  #paging: Promise<void> = DONE;
  constructor(
    context: HubContext,
    wire: Wire,
    request: VisitorRequest | undefined,
    handlerOf: (connection: Connection) => RequestHandler,
  ) {
    super(context, wire, request);
    this.#context = context;
    this.#requests = handlerOf(this);
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

  subscribe(channel: string): boolean {
    this.#added ??= new Set();
    this.#added.add(channel);
    if (this.#isFollowing) this.tell(['add', channel]);
    return true;
  }

  /** From now on it is told which channels the server wants it to have. Returns those of until now. */
  follow(): readonly string[] {
    this.#isFollowing = true;
    return [...(this.#added ?? [])];
  }

  /** What it was asked; undefined until it offers to answer something. */
  get asked(): Asked | undefined {
    return this.#asked ?? undefined;
  }

  /** It offers to answer these methods, and no others. */
  offer(methods: readonly string[]): void {
    this.#asked ??= new Asked((message) => this.tell(message));
    this.#asked.methods = new Set(methods);
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

  /** Whether no more of its lines are taken. */
  get isDone(): boolean {
    return this.isOver || this.#isLeaving;
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
    for (const channel of identity.channels ?? []) this.subscribe(channel);
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

  /** Handles one frame of lines. */
  receive(frame: string): void {
    if (!this.isDone) this.#requests.receive(frame);
  }

  /** Handles one request of a transport that has no lines. */
  ask(message: ClientMessage<JsonText>): void {
    if (!this.isDone) this.#requests.ask(message);
  }

  /** False when much is queued already. */
  tell(message: HubMessage): boolean {
    if (this.isOver) return true;
    const outgoing = new Outgoing([message]);
    this.#context.trace?.('out', outgoing.text, this);
    return this.wire.send(outgoing);
  }

  send(data: unknown): void {
    this.tell(['to', JsonText.of(data ?? null)]);
  }

  /** Answers a request with an error. See `answerOf`. */
  refuse(id: number, error: unknown, channel?: string): void {
    if (this.isOver) return;
    const answer = answerOf(this.#context, `a request of ${this.user ?? this.id} failed`, error);
    const { code, message } = answer;
    this.#context.observers.tell('onRefused', this, code, { message, channel });
    this.tell(errMessage(id, answer));
    // A handler's own codes are answers, not errors.
    const row = codeRow(code);
    if (row && !row.forgiven) this.countError();
  }

  /** Too many errors end the connection, after the answers to what is being stored. */
  countError(): void {
    if (this.isDone || this.pace.takeError()) return;
    this.#isLeaving = true;
    this.#endIfPaid();
  }

  /** The order of what it publishes. */
  get publishing(): PublishingOrder {
    this.#publishing ??= new PublishingOrder();
    return this.#publishing;
  }

  /** Something is being stored: an answer follows, and after it `pay`. */
  owe(): void {
    this.#owed += 1;
  }

  pay(): void {
    this.#owed -= 1;
    this.#endIfPaid();
  }

  #endIfPaid(): void {
    if (this.#isLeaving && this.#owed === 0) this.end('TOO_MANY_ERRORS', 'too many requests were refused');
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

  /** Ends a subscription. `atOnce`: its member left on purpose, without waiting. `wait`: see `lost`. */
  leave(subscription: Subscription, atOnce: boolean, wait = 0): void {
    const { channel } = subscription;
    subscription.end();
    this.subscriptions.delete(channel.name);
    if (subscription.hearsPresence) this.wire.unsubscribe(channel.presence!.topic);
    channel.presence?.leave(this.member, this.id, atOnce, wait);
    this.#context.channels.leave(channel);
    this.#hearing?.resume(channel);
    this.#context.observers.tell('onUnsubscribe', this, channel.name);
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
    this.#added?.delete(channel);
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
    const comeBack = CODES[code].retry && { after };
    this.tell(['bye', code, { ...comeBack, ...(reason !== undefined && { reason }) }]);
    this.wire.close({ code, message, ...comeBack });
    this.lost(closeCode(code), CODES[code].retry ? after : 0);
  }

  /**
   * The socket is closed, or closing; with the code of the close frame, if there was one. `wait`: milliseconds after which
   * the client was told to come back.
   */
  lost(code: number = LOST, wait = 0): void {
    if (this.isOver) return;
    this.#phase = 'over';
    this.#asked?.end();
    this.#hearing?.leaveAll();
    for (const subscription of [...this.subscriptions.values()]) this.leave(subscription, false, wait);
    this.wire.unsubscribe(EVERYONE);
    this.dismiss(code, wait);
    this.#context.resumeTickets.expire(this.#ticket, wait);
  }
}
