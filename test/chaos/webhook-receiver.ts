import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Position } from '../../src/protocol/index.ts';
import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import { nameOf, wordOf } from './witness.ts';

interface Delivery {
  readonly missed?: number;
  readonly events: readonly { version: number; channel: string; position: Position; data: unknown }[];
}

/** An application that is told of what is published, and does not always answer. */
export class WebhookReceiver {
  readonly name = 'webhook';
  readonly channel: string;
  /** What it was told of, by offset. */
  readonly seen = new Map<number, string>();
  readonly complaints: string[] = [];
  /** The offset that it was told of last. */
  last = 0;
  #version = 0;
  readonly #dice: Dice;
  readonly #bell: Bell;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(channel: string, dice: Dice, bell: Bell) {
    this.channel = channel;
    this.#dice = dice;
    this.#bell = bell;
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
    const roll = this.#dice.next();
    if (roll < 0.05) response.writeHead(503).end();
    else if (roll < 0.1) request.socket.destroy();
    else {
      this.#take(JSON.parse(body));
      // The answer is lost, now and then.
      if (roll < 0.15) request.socket.destroy();
      else response.writeHead(204).end();
    }
  }

  #take({ missed, events }: Delivery): void {
    if (missed !== undefined) this.complaints.push(`webhook: ${missed} events were let go`);
    for (const { version, channel, position, data } of events) {
      if (version <= this.#version) continue; // it came before, and the answer was lost
      this.#version = version;
      if (channel !== this.channel) continue;
      const offset = position[1];
      if (offset <= this.last) this.complaints.push(`webhook: ${offset} came after ${this.last}, as a later version`);
      this.last = offset;
      this.seen.set(offset, nameOf(wordOf(data), offset));
    }
    this.#bell.ring();
  }
}
