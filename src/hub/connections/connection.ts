import { randomUUID } from 'node:crypto';
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
import type { Identity, UserConnection } from '../caller.ts';
import type { Channel } from '../channels/channel.ts';
import type { Excluded } from '../channels/excluded.ts';
import type { Pattern, PatternReader } from '../channels/pattern.ts';
import { type Subscriber, Subscription } from '../channels/subscription.ts';
import { answerOf, errLine } from '../error-answer.ts';
import { type Action, Grants } from '../rights.ts';
import { EVERYONE, type Wire } from '../wire.ts';
import type { HubContext } from './context.ts';
import { Pace } from './pace.ts';
import type { Resumable } from './resume-tickets.ts';

/** Milliseconds after which somebody comes back whose connection ended for a reason that passes. */
const COME_BACK = 1_000;

const DONE = Promise.resolve();
const NOTHING = (): void => {};

/** What becomes of the frames of a connection. */
export interface FrameReader {
  receive(frame: string): void;
}

/** One client's connection: who it is, what it is subscribed to, and what it is told. */
export class Connection implements UserConnection, Subscriber, PatternReader, Excluded, Resumable {
  readonly id = randomUUID();
  readonly wire: Wire;
  readonly request: unknown;
  readonly since = Date.now();
  readonly subscriptions = new Map<string, Subscription>();
  readonly patterns = new Map<string, Pattern>();
  /** Its part in the channels that it hears by its patterns alone. */
  readonly heard = new Map<string, Subscription>();
  /** Calls that run. */
  calls = 0;
  readonly #context: HubContext;
  readonly pace: Pace;
  readonly #reader: FrameReader;
  #phase: 'new' | 'ready' | 'over' = 'new';
  #identity: Identity = {};
  #isInternal = false;
  #grants: Grants | null = null;
  #member: string = this.id;
  #ticket = '';
  /** Resolves when the last page that is asked for so far is out. */
  #paging: Promise<void> = DONE;
  /** Ends the wait for `hi`; later, for the token's end. */
  #cancelTimer = NOTHING;

  constructor(context: HubContext, wire: Wire, request: unknown, read: (connection: Connection) => FrameReader) {
    this.#context = context;
    this.wire = wire;
    this.request = request;
    this.pace = new Pace(context.clock, context.limits);
    this.#reader = read(this);
  }

  get kind(): 'protocol' {
    return 'protocol';
  }

  get remoteAddress(): string | undefined {
    return this.wire.remoteAddress;
  }

  get user(): string | undefined {
    return this.#identity.user;
  }

  get isInternal(): boolean {
    return this.#isInternal;
  }

  get data(): unknown {
    return this.#identity.data;
  }

  get channels(): readonly string[] {
    return [...this.subscriptions.keys(), ...this.patterns.keys()];
  }

  may(action: Action, channel: string): boolean {
    return this.#grants === null || this.#grants.allow(action, channel);
  }

  isGranted(action: Action, channel: string): boolean {
    return this.#grants?.allow(action, channel) ?? false;
  }

  /** Its id in presence: the user's, or else that of the first connection which it resumes. */
  get member(): string {
    return this.user ?? this.#member;
  }

  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Gives it some time to say `hi`. */
  start(): void {
    const { clock, hiTimeout } = this.#context;
    this.#cancelTimer = clock.after(hiTimeout, () => this.end('HI_FIRST', 'no hi came in time'));
  }

  /** The visitor is who `connect` said, and goes on where `earlier` was. Answers the ticket by which the next one can. */
  welcome(identity: Identity, earlier?: Resumable): string {
    this.renew(identity);
    this.#isInternal = identity.isInternal ?? false; // for good: it is counted by this
    this.#phase = 'ready';
    this.#context.users.add(this);
    this.wire.subscribe(EVERYONE);
    if (earlier) {
      this.#member = earlier.member;
      earlier.end('REPLACED');
    }
    this.#ticket = this.#context.resumeTickets.issue(this);
    return this.#ticket;
  }

  /** The same user, with a newer token. */
  renew(identity: Identity): void {
    this.#cancelTimer();
    // What has been cancelled is let go: its timer and its closures are a tenth of an idle connection.
    this.#cancelTimer = NOTHING;
    this.#identity = identity;
    const { expiresIn, rights } = identity;
    this.#grants = rights ? new Grants(rights) : null;
    if (expiresIn !== undefined) this.#cancelTimer = this.#context.clock.after(expiresIn, () => this.#expire());
  }

  #expire(): void {
    this.end('UNAUTHORIZED', 'the token has expired', undefined, 'TOKEN_EXPIRED');
  }

  /** Takes what came in one frame. */
  receive(frame: string): void {
    this.#reader.receive(frame);
  }

  tell(message: ServerMessage): void {
    this.tellLine(encode(message));
  }

  /** As `tell`, of a line that is written already: one with data in it. False when much waits for it already. */
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
    // A handler's own codes are answers, not faults.
    const row = codeRow(code);
    if (row && !row.forgiven) this.countError();
  }

  /** Too many of these end it. */
  countError(): void {
    if (!this.pace.takeError()) this.end('TOO_MANY_ERRORS', 'too many requests had to be refused');
  }

  /** Takes one of so many publications a second to the channels of one rule. @throws ProtocolError RATE_LIMITED. */
  takeRate(channel: string, perSecond: number): void {
    this.pace.takePublication(channel, perSecond, () => this.countError());
  }

  inTurn(send: () => Promise<void>): Promise<void> {
    const sent = this.#paging.then(send);
    this.#paging = sent.catch(() => {}); // whose page it was is told
    return sent;
  }

  skip(channel: Parameters<Excluded['skip']>[0], offset: number): void {
    const subscription = this.subscriptions.get(channel.name) ?? this.heard.get(channel.name);
    if (subscription?.isLive) this.tell(['skip', channel.number, offset]);
  }

  /** Lets go of a subscription. `atOnce`: its member left on purpose, and is not waited for. */
  leave(subscription: Subscription, atOnce: boolean): void {
    const { channel } = subscription;
    subscription.end();
    this.subscriptions.delete(channel.name);
    if (subscription.hearsPresence) this.wire.unsubscribe(channel.presence!.topic);
    channel.presence?.leave(this.member, this.id, atOnce);
    this.#context.channels.leave(channel);
    // What its patterns have of this channel comes by them again, and is introduced anew.
    for (const pattern of this.#covering(channel)) this.#context.patterns.join(pattern, this);
  }

  /** Hears what is published from now on to the channels of a pattern. */
  joinPattern(pattern: Pattern): void {
    this.patterns.set(pattern.text, pattern);
    const known = this.heard.values().map(({ channel }) => channel);
    this.#context.patterns.join(pattern, this, known);
  }

  leavePattern(pattern: Pattern): void {
    this.patterns.delete(pattern.text);
    this.#context.patterns.leave(pattern, this);
    for (const subscription of this.heard.values())
      if (this.#covering(subscription.channel).length === 0) this.#stopHearing(subscription);
  }

  #covering({ name, rules }: Channel): Pattern[] {
    return [...this.patterns.values()].filter((pattern) => pattern.covers(name, rules));
  }

  hear(channel: Channel): void {
    const { name, number, epoch, head } = channel;
    if (this.isOver || this.subscriptions.has(name) || this.heard.has(name)) return;
    this.tell(['ch', number, name, epoch, head]);
    const subscription = new Subscription(this.#context.pages, this, channel, channel.position);
    this.heard.set(name, subscription);
    subscription.start();
  }

  unhear(channel: Channel): void {
    const subscription = this.heard.get(channel.name);
    if (!subscription) return;
    const isBehind = !subscription.isLive;
    this.#stopHearing(subscription);
    if (isBehind) this.#endPatterns(channel, 'TOO_SLOW');
  }

  /** Somebody who heard a channel by patterns subscribes to it. Answers what they were sent last. */
  stopHearing(channel: string): Position | undefined {
    const subscription = this.heard.get(channel);
    if (!subscription) return undefined;
    const { position } = subscription;
    this.#stopHearing(subscription);
    return position;
  }

  isBehind(channel: Channel): boolean {
    return this.heard.get(channel.name)?.isLive === false;
  }

  #stopHearing(subscription: Subscription): void {
    subscription.end();
    this.heard.delete(subscription.channel.name);
  }

  /** The channel's publications cannot come by any pattern that they should come by. */
  #endPatterns(channel: Channel, code: Code, message?: string): void {
    for (const pattern of this.#covering(channel)) this.#endPattern(pattern, code, message);
  }

  #endPattern(pattern: Pattern, code: Code, message: string = CODES[code].meaning): void {
    this.leavePattern(pattern);
    this.tell(['end', pattern.text, code, message]);
  }

  onLost(subscription: Subscription, cause: unknown): void {
    const { channel } = subscription;
    const { name } = channel;
    const { code, message } = answerOf(this.#context, `${name} cannot be read for ${this.user ?? this.id}`, cause);
    if (this.heard.get(name) === subscription) {
      this.#stopHearing(subscription);
      this.#endPatterns(channel, code as Code, message);
      return;
    }
    this.leave(subscription, false);
    this.tell(['end', name, code, message]);
  }

  /** Takes a subscription away; the client is told the code. False when it has none. */
  unsubscribe(channel: string, code: Code = 'CLOSED', message: string = CODES[code].meaning): boolean {
    const pattern = this.patterns.get(channel);
    if (pattern) {
      this.#endPattern(pattern, code, message);
      return true;
    }
    const subscription = this.subscriptions.get(channel);
    if (!subscription) return false;
    this.leave(subscription, true);
    this.tell(['end', channel, code, message]);
    return true;
  }

  disconnect(message?: string): void {
    this.end('CLOSED', message);
  }

  /** More waits for it than should: what it hears live goes on as its channels' policies say. */
  slow(): void {
    this.#context.observers.tell('onSlow', this);
    const live = [...this.subscriptions.values(), ...this.heard.values()].filter((subscription) => subscription.isLive);
    if (live.some(({ channel }) => channel.rules.slow === 'close')) this.end('TOO_SLOW', 'you read too slowly');
    else for (const subscription of live) void subscription.fallBehind();
  }

  /** Ends it, with a reason that the client is told. `after`: milliseconds until it may come back. */
  end(code: Code, message: string = CODES[code].meaning, after = COME_BACK, reason?: string): void {
    if (this.isOver) return;
    this.#context.observers.tell('onRefused', this, code, { message, channel: undefined });
    this.tell(['bye', code, { ...(CODES[code].retry && { after }), ...(reason !== undefined && { reason }) }]);
    this.wire.close(closeCode(code), `${code}: ${message}`);
    this.lost();
  }

  /** The socket is gone, or going. */
  lost(): void {
    if (this.isOver) return;
    this.#phase = 'over';
    this.#cancelTimer();
    for (const pattern of [...this.patterns.values()]) this.leavePattern(pattern);
    for (const subscription of [...this.subscriptions.values()]) this.leave(subscription, false);
    this.wire.unsubscribe(EVERYONE);
    this.#context.users.remove(this);
    this.#context.resumeTickets.expire(this.#ticket);
  }
}
