import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Position } from '../../../src/protocol/index.ts';
import type { Dice } from '../dice.ts';

export interface ToldEvent {
  readonly version: number;
  readonly type: 'online' | 'offline' | 'occupied' | 'vacated' | 'published';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly user?: string;
  readonly channel?: string;
  readonly position?: Position;
}

/** An application that all nodes notify, and that does not always answer. */
export class EventReceiver {
  /** Each once, in the order in which they came first. */
  readonly events: ToldEvent[] = [];
  readonly violations: string[] = [];
  /** Events that the nodes say they have dropped. */
  missed = 0;
  /** Those that came again. */
  repeated = 0;
  readonly #texts = new Map<number, string>();
  readonly #dice: Dice;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Who is online, or which channels are occupied, by what was told last. */
  present(kind: 'user' | 'channel'): string[] {
    const last = new Map<string, boolean>();
    for (const { type, [kind]: name } of this.events)
      if (name !== undefined && type !== 'published') last.set(name, type === 'online' || type === 'occupied');
    return [...last].filter(([, isHere]) => isHere).map(([name]) => name);
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
      return; // the node was killed in the middle of it
    }
    const roll = this.#dice.next();
    if (roll < 0.03) response.writeHead(503).end();
    else {
      this.#take(JSON.parse(body));
      // The answer is lost, now and then.
      if (roll < 0.06) request.socket.destroy();
      else response.writeHead(204).end();
    }
  }

  #take({ missed = 0, events }: { missed?: number; events: readonly ToldEvent[] }): void {
    this.missed += missed;
    let before = 0;
    for (const event of events) {
      const { version } = event;
      if (version <= before) this.violations.push(`webhook: version ${version} comes after ${before} in one delivery`);
      before = version;
      const text = JSON.stringify(event);
      const known = this.#texts.get(version);
      if (known !== undefined) {
        this.repeated++;
        if (known !== text) this.violations.push(`webhook: version ${version} is ${text}, and was ${known}`);
        continue;
      }
      const newest = this.events.at(-1)?.version ?? 0;
      if (version < newest) this.violations.push(`webhook: ${text} came after version ${newest}`);
      this.#texts.set(version, text);
      this.events.push(event);
    }
  }
}
