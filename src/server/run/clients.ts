import type { Payload, UpgradeRequest, User } from '../../websocket/index.ts';

/** A connection, as the program knows it. */
export interface Client {
  /** From 1 up, and never used again. */
  readonly number: number;
  readonly user: User;
  /** Whether the program has handled its `connect`, and not its `disconnect`. */
  isKnown: boolean;
  /** How much of the queue its events take. */
  load: number;
  /** Whether it has to wait until they are handled. */
  isPaused: boolean;
}

/** All clients who are connected, or whose `disconnect` the program has not handled yet. */
export class Clients {
  readonly #byNumber = new Map<number, Client>();
  readonly #broadcast: (message: Payload) => void;
  /** Those whom the program does not know yet. */
  #strangers = 0;

  /** `broadcast` sends to all who are connected. */
  constructor(broadcast: (message: Payload) => void) {
    this.#broadcast = broadcast;
  }

  get size(): number {
    return this.#byNumber.size;
  }

  get(number: number): Client | undefined {
    return this.#byNumber.get(number);
  }

  add(number: number, user: User): Client {
    const client: Client = { number, user, isKnown: false, load: 0, isPaused: false };
    this.#byNumber.set(number, client);
    this.#strangers++;
    return client;
  }

  /** The program has handled its `connect`. */
  meet(client: Client): void {
    if (client.isKnown) return;
    client.isKnown = true;
    this.#strangers--;
  }

  /** The program has handled its `disconnect`, or will not get it. */
  forget(client: Client): void {
    if (!this.#byNumber.delete(client.number)) return;
    if (!client.isKnown) this.#strangers--;
  }

  /** Those whom the program knows: a new process is told of them. */
  *known(): Generator<Client> {
    for (const client of this.#byNumber.values()) if (client.isKnown) yield client;
  }

  /** Sends to one, to several, or to all whom the program knows (`*`). Those who are gone are left out. */
  send(to: number | readonly number[] | '*', message: Payload): void {
    if (typeof to === 'number') this.#byNumber.get(to)?.user.send(message);
    else if (to !== '*') for (const number of to) this.#byNumber.get(number)?.user.send(message);
    else if (this.#strangers === 0) this.#broadcast(message);
    else for (const { user } of this.known()) user.send(message);
  }
}

/** What a program is told of a client, as JSON. */
export function aboutText({ remoteAddress, url, headers }: UpgradeRequest): string {
  return JSON.stringify({ address: remoteAddress, url, headers });
}
