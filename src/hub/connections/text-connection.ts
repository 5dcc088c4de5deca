import { CODES, type Code, channelFault, closeCode, isChannel, JsonText, ProtocolError } from '../../protocol/index.ts';
import type { Channel } from '../channels/channel.ts';
import type { Excluded } from '../channels/excluded.ts';
import { permit } from '../channels/permit.ts';
import { plainText } from '../channels/publication.ts';
import { answerOf } from '../error-answer.ts';
import type { TokenBucket } from '../token-bucket.ts';
import type { Wire } from '../wire.ts';
import type { HubContext } from './context.ts';
import { Standing } from './standing.ts';

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
  /** `gone`: the other side has closed; what it had sent is still published. */
  #phase: 'joining' | 'joined' | 'gone' | 'over' = 'joining';
  #channel: Channel | null = null;
  /** Its texts, one after the other. */
  #sending: Promise<void> = Promise.resolve();
  #unsent = 0;
  #unsentBytes = 0;
  #wake = (): void => {};

  constructor(context: HubContext, wire: Wire, channel: string, request: unknown) {
    super(context, wire, request);
    this.#context = context;
    this.#name = channel;
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
    const identity = await this.#context.admit({ token: undefined, request: this.request });
    if (this.#isOver) return;
    // From here on it can be found and ended, even while it waits for the rest.
    this.admit(identity);
    await permit('subscribe', rules, this, this.#name);
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
    while (!(await this.#publish(text))) await this.#pause(RETRY);
  }

  /** Waits until there is room. */
  async #turn(allowance: TokenBucket, count = 1): Promise<void> {
    for (let pause = allowance.take(count); pause > 0 && this.#phase !== 'over'; pause = allowance.take(count))
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

  /** False if it must be tried again: the log cannot store it now, and the sender waits. */
  async #publish(text: string): Promise<boolean> {
    if (this.#phase === 'over') return true;
    const rules = this.#context.rules.forClients(this.#name);
    await permit('publish', rules, this, this.#name);
    const data = rules.text.in ? await rules.text.in(text, this) : text;
    if (data === undefined) return true;
    const fitting = await this.#context.contract.publication(this.#name, data);
    try {
      await this.#context.publisher.publish(this.#name, rules, fitting, { from: this, except: this });
      return true;
    } catch (error) {
      const answer = answerOf(this.#context, `a text of ${this.user ?? this.id} to ${this.#name} failed`, error);
      // A client that is gone cannot be held back, and must not wait here for ever.
      if (answer.code !== 'UNAVAILABLE' || this.#phase !== 'joined') throw answer;
      return false;
    }
  }

  /** Data sent outside of any channel is a text like the others. */
  send(data: unknown): void {
    if (this.#phase === 'joined') this.wire.send(plainText(JsonText.of(data ?? null).text));
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
    this.wire.close(closeCode(code), `${code}: ${message}`);
    this.lost();
    this.#phase = 'over';
    this.#wake();
  }

  lost(): void {
    if (this.#isOver) return;
    this.#phase = this.#phase === 'joined' ? 'gone' : 'over';
    this.dismiss();
    const channel = this.#channel;
    if (!channel) return;
    channel.texts--;
    this.wire.unsubscribe(channel.textTopic);
    this.#context.channels.leave(channel);
  }
}
