import { CODES, type Code, channelFault, closeCode, isChannel, JsonText, ProtocolError } from '../../protocol/index.ts';
import { accept, requirePublisher } from '../channels/acceptance.ts';
import type { Channel } from '../channels/channel.ts';
import type { Excluded } from '../channels/excluded.ts';
import { permit } from '../channels/permit.ts';
import { answerOf } from '../error-answer.ts';
import { Outgoing } from '../outgoing.ts';
import { plainText } from '../publication.ts';
import type { TokenBucket } from '../token-bucket.ts';
import type { VisitorRequest } from '../visitor-request.ts';
import type { Wire } from '../wire.ts';
import type { HubContext } from './context.ts';
import { LOST, Standing } from './standing.ts';

/** Texts, and their bytes, that are accepted ahead of the log. Beyond that the sender is held back. */
const HELD_BACK = 64;
const HELD_BACK_BYTES = 65_536;
/** Milliseconds until a text is tried again that the log could not store. */
const RETRY = 1_000;

/**
 * A connection without the protocol, in one channel: a text that it sends is published as a JSON string, and it gets
 * publications as text, data other than strings as JSON. It starts with the next publication, and cannot request what
 * it missed.
 */
export class TextConnection extends Standing implements Excluded {
  readonly #context: HubContext;
  readonly #name: string;
  /** It is no visitor: the operator of the server has decided that it may use this channel. */
  readonly #isTrusted: boolean;
  /** `gone`: the other side has closed; what it had sent is still published. */
  #phase: 'joining' | 'joined' | 'gone' | 'over' = 'joining';
  #channel: Channel | null = null;
  /** Its texts, one after the other. */
  #sending: Promise<void> = Promise.resolve();
  #unsent = 0;
  #unsentBytes = 0;
  #wake = (): void => {};

  constructor(
    context: HubContext,
    wire: Wire,
    channel: string,
    request: VisitorRequest | undefined,
    isTrusted: boolean,
  ) {
    super(context, wire, request);
    this.#context = context;
    this.#name = channel;
    this.#isTrusted = isTrusted;
  }

  get kind(): 'text' {
    return 'text';
  }

  get channels(): readonly string[] {
    return this.#phase === 'joined' ? [this.#name] : [];
  }

  /** Checked again after each wait. */
  get #isOver(): boolean {
    return this.#phase === 'gone' || this.#phase === 'over';
  }

  /** Joins the channel, or closes with the reason. */
  start(): void {
    this.#sending = this.#join().catch((error) => this.#fail(error));
  }

  async #join(): Promise<void> {
    if (!isChannel(this.#name))
      throw new ProtocolError('BAD_CHANNEL', `the path of the URL names the channel: ${channelFault(this.#name)}`);
    const rules = this.#context.rules.forClients(this.#name);
    const identity = this.#isTrusted ? {} : await this.#context.admit({ token: undefined, request: this.request });
    if (this.#isOver) return;
    // From here on it can be found and ended, even while it waits for the rest.
    this.admit(identity);
    const { data } = this.#isTrusted ? {} : await permit(rules, this, this.#name, { purpose: 'subscribe' });
    if (this.#isOver) return;
    const channel = await this.#context.channels.enter(this.#name);
    if (this.#isOver) {
      this.#context.channels.leave(channel);
      return;
    }
    this.#phase = 'joined';
    this.#channel = channel;
    channel.texts++;
    this.wire.subscribe(channel.textTopic);
    if (data) this.wire.send(Outgoing.plain(plainText(data.text)));
    this.#context.observers.tell('onSubscribe', this, this.#name);
  }

  /**
   * Publishes a text; its sender does not get it back. Returns a promise, which never rejects, to hold the sender back
   * until it resolves: a text connection cannot be told about a refusal, only ended.
   */
  receive(text: string): Promise<void> | undefined {
    if (this.#phase === 'over') return undefined;
    if (this.#unsent >= this.#context.limits.waiting) {
      this.end('RATE_LIMITED', 'you send faster than allowed');
      return undefined;
    }
    this.#context.trace?.('in', text, this);
    const size = Buffer.byteLength(text);
    this.#unsent++;
    this.#unsentBytes += size;
    this.#context.texts.begin();
    this.#sending = this.#sending
      .then(() => this.#take(text, size))
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#unsent--;
        this.#unsentBytes -= size;
        this.#context.texts.end();
      });
    return this.#unsent >= HELD_BACK || this.#unsentBytes >= HELD_BACK_BYTES ? this.#sending : undefined;
  }

  /** Ends it after what it has sent, since something cannot be accepted. Resolves when that is done. */
  refuse(code: Code, message: string): Promise<void> {
    this.#sending = this.#sending.then(() => this.end(code, message));
    return this.#sending;
  }

  async #take(text: string, size: number): Promise<void> {
    if (this.#phase === 'over') return;
    this.#context.observers.tell('onReceived', this, 1);
    const { rate } = this.#context.rules.forClients(this.#name);
    await this.#turn(this.pace.lines);
    await this.#turn(this.pace.bytes, size);
    if (rate !== undefined) await this.#turn(this.pace.rateOf(this.#name, rate));
    await this.#publish(text);
  }

  /** Waits until there is room. */
  async #turn(bucket: TokenBucket, count = 1): Promise<void> {
    for (let pause = bucket.take(count); pause > 0 && this.#phase !== 'over'; pause = bucket.take(count))
      await this.#pause(pause);
  }

  /** Ends early with the connection. */
  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#context.clock.after(milliseconds, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  async #publish(text: string): Promise<void> {
    if (this.#phase === 'over') return;
    const { contract, publisher, rules: all } = this.#context;
    const rules = all.forClients(this.#name);
    if (!this.#isTrusted) requirePublisher(rules, this, this.#name);
    const data = rules.text.in ? await rules.text.in(text, this) : text;
    if (data === undefined) return;
    const accepted = await this.#insist(() =>
      this.#isTrusted ? contract.publication(this.#name, data) : accept(contract, rules, this, this.#name, data),
    );
    if (accepted)
      await this.#insist(() => publisher.publish(this.#name, rules, accepted, { from: this, except: this }));
  }

  /** Tries again while the log, or who decides about it, is not available; the sender waits. Undefined if it is over. */
  async #insist<Result>(work: () => Result | Promise<Result>): Promise<Result | undefined> {
    while (this.#phase !== 'over')
      try {
        return await work();
      } catch (error) {
        const answer = answerOf(this.#context, `a text of ${this.user ?? this.id} to ${this.#name} failed`, error);
        // A client that is gone cannot be held back, and must not wait here for ever.
        if (answer.code !== 'UNAVAILABLE' || this.#phase !== 'joined') throw answer;
        await this.#pause(answer.retryAfter ?? RETRY);
      }
    return undefined;
  }

  /** Data sent outside of any channel is a text like the others. */
  send(data: unknown): void {
    if (this.#phase === 'joined') this.wire.send(Outgoing.plain(plainText(JsonText.of(data ?? null).text)));
  }

  /** It has only its own channel. */
  subscribe(): boolean {
    return false;
  }

  /** It has only this channel: without it, the connection ends. */
  unsubscribe(channel: string, code: Code = 'CLOSED', message?: string): boolean {
    if (!this.channels.includes(channel)) return false;
    this.end(code, message);
    return true;
  }

  protected expire(): void {
    this.end('UNAUTHORIZED', 'your login has expired');
  }

  /** It has no offsets. */
  skip(): void {}

  /** It cannot page from the log. */
  slow(): void {
    this.#context.observers.tell('onSlow', this);
    this.end('TOO_SLOW', 'the connection reads too slowly');
  }

  #fail(error: unknown): void {
    const { code, message } = answerOf(this.#context, `a text connection to ${this.#name} failed`, error);
    this.end(code as Code, message);
  }

  end(code: Code, message: string = CODES[code].meaning): void {
    if (this.#isOver) return;
    this.#context.observers.tell('onRefused', this, code, { message, channel: this.#name });
    this.wire.close({ code, message });
    this.lost(closeCode(code));
    this.#phase = 'over';
    this.#wake();
  }

  /** The socket is closed, or closing; with the code of the close frame, if there was one. */
  lost(code: number = LOST): void {
    if (this.#isOver) return;
    this.#phase = this.#phase === 'joined' ? 'gone' : 'over';
    const channel = this.#channel;
    if (channel) {
      channel.texts--;
      this.wire.unsubscribe(channel.textTopic);
      this.#context.channels.leave(channel);
      this.#context.observers.tell('onUnsubscribe', this, this.#name);
    }
    this.dismiss(code);
  }
}
