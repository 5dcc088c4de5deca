import { Client, type Subscription } from '../../../src/client/index.ts';
import type { Dice } from '../dice.ts';
import { tokenOf } from '../settings.ts';

/** A member of one channel, who goes and comes back. */
export class Guest {
  readonly name: string;
  readonly channel: string;
  /** Undefined for one who is anonymous, and so another member after each connection that could not be resumed. */
  readonly user: string | undefined;
  readonly #url: string;
  readonly #dice: Dice;
  #client: Client | undefined;
  #subscription: Subscription | undefined;
  #error = '';
  /** Changes whenever the guest comes, goes or loses the connection. */
  stays = 0;

  constructor(name: string, channel: string, isAnonymous: boolean, url: string, dice: Dice) {
    this.name = name;
    this.channel = channel;
    this.user = isAnonymous ? undefined : name;
    this.#url = url;
    this.#dice = dice;
  }

  /** Whether the guest is to be seen. */
  get isIn(): boolean {
    return this.#subscription !== undefined;
  }

  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  /** What keeps the guest from being seen. */
  get trouble(): string {
    return `${this.name} is ${this.#client?.state}, and the subscription ${this.#subscription?.state}: ${this.#error}`;
  }

  get isLive(): boolean {
    return this.#subscription?.state === 'live';
  }

  enter(): void {
    if (this.isIn) return;
    this.stays++;
    if (!this.#client) {
      const token = this.user === undefined ? {} : { token: tokenOf(this.user) };
      this.#client = new Client(this.#url, { ...token, random: this.#dice.fork().next });
      this.#client.on('error', ({ message }) => {
        this.#error = message;
      });
    }
    this.#subscription = this.#client.subscribe(this.channel, { member: this.name });
    this.#subscription.on('error', ({ message }) => {
      this.#error = message;
    });
    this.#subscription.on('state', (state) => {
      if (state !== 'live') this.stays++;
    });
  }

  /** Leaves the channel, and stays connected. */
  leave(): void {
    this.stays++;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  /** Leaves, and ends the connection. */
  goHome(): void {
    this.leave();
    this.#client?.close();
    this.#client = undefined;
  }
}
