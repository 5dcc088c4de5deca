import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dice } from './dice.ts';

/** How many requests of one end so: 0 to 1. */
export interface Failures {
  readonly refused: number;
  /** The connection is cut before anything was taken. */
  readonly cut: number;
  /** The connection is cut when it was taken. */
  readonly unanswered: number;
}

/** An application that is told of events by HTTP, and that does not always answer. */
export class UnreliableApplication {
  readonly #dice: Dice;
  readonly #failures: Failures;
  readonly #take: (body: string) => void;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(dice: Dice, failures: Failures, take: (body: string) => void) {
    this.#dice = dice;
    this.#failures = failures;
    this.#take = take;
  }

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    try {
      for await (const text of request.setEncoding('utf8')) body += text;
    } catch {
      return; // the server was killed in the middle of it
    }
    const { refused, cut, unanswered } = this.#failures;
    const roll = this.#dice.next();
    if (roll < refused) response.writeHead(503).end();
    else if (roll < refused + cut) request.socket.destroy();
    else {
      this.#take(body);
      if (roll < refused + cut + unanswered) request.socket.destroy();
      else response.writeHead(204).end();
    }
  }
}
