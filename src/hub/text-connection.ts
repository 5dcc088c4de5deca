import { randomUUID } from 'node:crypto';
import { CODES, type Code, channelFault, isChannel, JsonText, ProtocolError } from '../protocol/index.ts';
import { Allowance } from './allowance.ts';
import { answerOf } from './answer.ts';
import type { Channel, LeftOut } from './channel.ts';
import type { House } from './house.ts';
import type { Identity } from './options.ts';
import { admitted, permit } from './permit.ts';
import { plainText } from './plain-text.ts';
import { publish } from './publisher.ts';
import { type Action, Grants } from './rights.ts';
import type { UserConnection } from './users.ts';
import type { Wire } from './wire.ts';

/**
 * A connection without the protocol, in one channel: a text that it sends is published as a JSON string, and what
 * others publish comes as text, other data than strings as JSON. It begins with what comes next, and has no way to
 * ask for what it missed.
 */
export class TextConnection implements UserConnection, LeftOut {
  readonly id = randomUUID();
  readonly wire: Wire;
  readonly request: unknown;
  readonly since = Date.now();
  readonly #house: House;
  readonly #name: string;
  readonly #requests: Allowance;
  readonly #bytes: Allowance;
  #identity: Identity = {};
  #isInternal = false;
  #grants: Grants | null = null;
  /** Ends the wait for the identity's end. */
  #cancelExpiry = (): void => {};
  #phase: 'joining' | 'joined' | 'over' = 'joining';
  #channel: Channel | null = null;
  /** What it sent, one after the other. */
  #sending: Promise<void> = Promise.resolve();
  #unsent = 0;

  constructor(house: House, wire: Wire, channel: string, request: unknown) {
    this.#house = house;
    this.wire = wire;
    this.request = request;
    this.#name = channel;
    const { requests, bytes } = house.limits;
    this.#requests = new Allowance(house.clock, requests, 2 * requests);
    this.#bytes = new Allowance(house.clock, bytes, 8 * bytes);
  }

  get kind(): 'text' {
    return 'text';
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
    return this.#phase === 'joined' ? [this.#name] : [];
  }

  /** Asked anew after each wait. */
  get #isOver(): boolean {
    return this.#phase === 'over';
  }

  may(action: Action, channel: string): boolean {
    return this.#grants === null || this.#grants.allow(action, channel);
  }

  isGranted(action: Action, channel: string): boolean {
    return this.#grants?.allow(action, channel) ?? false;
  }

  /** Lets it into its channel, or closes it with the reason. */
  start(): void {
    this.#sending = this.#join().catch((error) => this.#fail(error));
  }

  async #join(): Promise<void> {
    if (!isChannel(this.#name))
      throw new ProtocolError('BAD_CHANNEL', `the path of the URL names the channel: ${channelFault(this.#name)}`);
    const rules = this.#house.rules.forClients(this.#name);
    const identity = admitted(await this.#house.connect({ token: undefined, request: this.request }));
    if (this.#isOver) return;
    this.#identity = identity;
    this.#isInternal = identity.isInternal ?? false;
    this.#grants = identity.rights ? new Grants(identity.rights) : null;
    // From here on it can be found and ended, also while it waits for the rest.
    const { clock, users, channels } = this.#house;
    const { expiresIn } = identity;
    if (expiresIn !== undefined)
      this.#cancelExpiry = clock.after(expiresIn, () => this.end('UNAUTHORIZED', 'what let you in has expired'));
    users.add(this);
    await permit('subscribe', rules, this, this.#name);
    if (this.#isOver) return;
    const channel = await channels.enter(this.#name);
    if (this.#isOver) {
      channels.leave(channel);
      return;
    }
    this.#phase = 'joined';
    this.#channel = channel;
    channel.texts++;
    this.wire.subscribe(channel.textTopic);
  }

  /** Publishes a text; its sender does not hear it again. */
  receive(text: string): void {
    if (this.#phase === 'over') return;
    this.#house.observers.tell('onReceived', this, 1);
    const tooMuch = this.#requests.take() > 0 || this.#bytes.take(Buffer.byteLength(text)) > 0;
    if (tooMuch || this.#unsent >= this.#house.limits.waiting) {
      this.end('RATE_LIMITED', CODES.RATE_LIMITED.meaning);
      return;
    }
    this.#unsent++;
    this.#sending = this.#sending
      .then(() => this.#publish(text))
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#unsent--;
      });
  }

  async #publish(text: string): Promise<void> {
    if (this.#phase === 'over') return;
    const rules = this.#house.rules.forClients(this.#name);
    await permit('publish', rules, this, this.#name);
    const data = rules.text.in ? await rules.text.in(text, this) : text;
    if (data === undefined) return;
    const fitting = await this.#house.terms.publication(this.#name, data);
    await publish(this.#house, this.#name, rules, fitting, { user: this.user, except: this, connection: this.id });
  }

  /** What is sent to it outside of any channel is a text like the others. */
  send(data: unknown): void {
    if (this.#phase === 'joined') this.wire.send(plainText(JsonText.of(data ?? null).text));
  }

  /** Its channel is all that it has: without it, it is over. */
  unsubscribe(channel: string, code: Code = 'CLOSED', message?: string): boolean {
    if (!this.channels.includes(channel)) return false;
    this.end(code, message);
    return true;
  }

  disconnect(message?: string): void {
    this.end('CLOSED', message);
  }

  /** It counts no offsets. */
  skip(): void {}

  /** It cannot page from the log. */
  slow(): void {
    this.#house.observers.tell('onSlow', this);
    this.end('TOO_SLOW', 'you read too slowly');
  }

  #fail(error: unknown): void {
    const { code, message } = answerOf(this.#house, `a text connection to ${this.#name} failed`, error);
    this.end(code as Code, message);
  }

  end(code: Code, message: string = CODES[code].meaning): void {
    if (this.#phase === 'over') return;
    this.#house.observers.tell('onRefused', this, code, { message, channel: this.#name });
    const status = { CLOSED: 1000, INTERNAL: 1011, SHUTTING_DOWN: 1012, TOO_SLOW: 1013, UNAVAILABLE: 1013 };
    this.wire.close(status[code as keyof typeof status] ?? 1008, `${code}: ${message}`);
    this.lost();
  }

  lost(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#cancelExpiry();
    this.#house.users.remove(this);
    const channel = this.#channel;
    if (!channel) return;
    channel.texts--;
    this.wire.unsubscribe(channel.textTopic);
    this.#house.channels.leave(channel);
  }
}
