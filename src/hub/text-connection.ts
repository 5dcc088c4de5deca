import { randomUUID } from 'node:crypto';
import { CODES, type Code, isChannel, ProtocolError } from '../protocol/index.ts';
import { Allowance } from './allowance.ts';
import { answerOf } from './answer.ts';
import type { Channel, LeftOut } from './channel.ts';
import type { House } from './house.ts';
import type { Caller, Identity, Permission } from './options.ts';
import { publish } from './publisher.ts';
import type { Wire } from './wire.ts';

/**
 * A connection without the protocol, in one channel: a text that it sends is published as a JSON string, and what
 * others publish comes as text, other data than strings as JSON. It begins with what comes next, and has no way to
 * ask for what it missed.
 */
export class TextConnection implements Caller, LeftOut {
  readonly id = randomUUID();
  readonly wire: Wire;
  readonly #house: House;
  readonly #name: string;
  readonly #requests: Allowance;
  #identity: Identity = {};
  #phase: 'joining' | 'joined' | 'over' = 'joining';
  #channel: Channel | null = null;
  /** What it sent, one after the other. */
  #sending: Promise<void> = Promise.resolve();
  #unsent = 0;

  constructor(house: House, wire: Wire, channel: string) {
    this.#house = house;
    this.wire = wire;
    this.#name = channel;
    this.#requests = new Allowance(house.clock, house.limits.requests, 2 * house.limits.requests);
  }

  get user(): string | undefined {
    return this.#identity.user;
  }

  get data(): unknown {
    return this.#identity.data;
  }

  /** Lets it into its channel, or closes it with the reason. */
  start(request: unknown): void {
    this.#sending = this.#join(request).catch((error) => this.#fail(error));
  }

  async #join(request: unknown): Promise<void> {
    if (!isChannel(this.#name)) throw new ProtocolError('BAD_CHANNEL', 'the path of the URL must name a channel');
    const rules = this.#house.rules.forClients(this.#name);
    const identity = await this.#house.connect({ token: undefined, request });
    if (!identity) throw new ProtocolError('UNAUTHORIZED', 'you may not come in');
    this.#identity = identity;
    await this.#permit(rules.subscribe);
    const channel = await this.#house.channels.enter(this.#name);
    if (this.#phase === 'over') {
      this.#house.channels.leave(channel);
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
    if (this.#requests.take() > 0 || this.#unsent >= this.#house.limits.waiting) {
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
    await this.#permit(rules.publish);
    await publish(this.#house, this.#name, rules, text, { user: this.user, except: this });
  }

  async #permit(permission: Permission): Promise<void> {
    const allowed = typeof permission === 'function' ? await permission(this, this.#name) : permission;
    if (allowed !== true) throw new ProtocolError('FORBIDDEN', 'you may not do that here');
  }

  /** It counts no offsets. */
  skip(): void {}

  /** It cannot page from the log. */
  slow(): void {
    this.end('TOO_SLOW', 'you read too slowly');
  }

  #fail(error: unknown): void {
    const { code, message } = answerOf(this.#house, `a text connection to ${this.#name} failed`, error);
    this.end(code as Code, message);
  }

  end(code: Code, message: string = CODES[code].meaning): void {
    if (this.#phase === 'over') return;
    const status = { CLOSED: 1000, INTERNAL: 1011, SHUTTING_DOWN: 1012, TOO_SLOW: 1013, UNAVAILABLE: 1013 };
    this.wire.close(status[code as keyof typeof status] ?? 1008, `${code}: ${message}`);
    this.lost();
  }

  lost(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    const channel = this.#channel;
    if (!channel) return;
    channel.texts--;
    this.wire.unsubscribe(channel.textTopic);
    this.#house.channels.leave(channel);
  }
}
