import { setTimeout as pause } from 'node:timers/promises';
import { connect, type StreamSocket } from '../../src/stream/index.ts';
import { connectWebSocket, type WebSocketClient } from '../../src/websocket/index.ts';
import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import { PART, wordOf } from './witness.ts';

/** A word, or the last line of a connection that was ended. */
const REASON = /^[A-Z_]+: /;

/**
 * Somebody without positions, by a plain WebSocket or a raw line. They cannot know what they missed while they were
 * away; but what one connection brings has no hole, and is told of its end.
 */
export class Listener {
  readonly name: string;
  readonly channel: string;
  /** What each connection brought. */
  readonly stretches: string[][] = [];
  readonly complaints: string[] = [];
  readonly #open: () => AsyncGenerator<string>;
  readonly #dice: Dice;
  readonly #bell: Bell;
  #isOver = false;
  #letGo = (): void => {};

  constructor(name: string, channel: string, url: string, dice: Dice, bell: Bell) {
    this.name = name;
    this.channel = channel;
    this.#dice = dice;
    this.#bell = bell;
    this.#open = () => (url.startsWith('tcp:') ? this.#lines(url) : this.#texts(`${url}/${channel}`));
  }

  get last(): string | undefined {
    return this.stretches.at(-1)?.at(-1);
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#isOver = true;
    this.#letGo();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const stretch: string[] = [];
      this.stretches.push(stretch);
      let isEnded = false;
      try {
        for await (const text of this.#open()) {
          if (isEnded) this.complaints.push(`${this.name}: something came behind the reason`);
          isEnded = REASON.test(text);
          if (!isEnded) this.#take(text, stretch);
          this.#bell.ring();
        }
      } catch {
        // the line was cut
      }
      await pause(this.#dice.below(50));
    }
  }

  #take(text: string, stretch: string[]): void {
    const word = wordOf(text);
    if (word && word.pad.length !== word.size) this.complaints.push(`${this.name}: ${word.id} came mutilated`);
    stretch.push(word?.id ?? PART);
  }

  async *#texts(url: string): AsyncGenerator<string> {
    const client: WebSocketClient = await connectWebSocket(url, {
      timeout: 3_000,
      pingInterval: 500,
      pongTimeout: 2_000,
      closeTimeout: 500,
    });
    this.#letGo = () => client.terminate();
    for await (const message of client) yield String(message);
  }

  async *#lines(url: string): AsyncGenerator<string> {
    // A raw line has no pings: silence is all that tells of a line that is stalled.
    const socket: StreamSocket = await connect(url, { timeout: 3_000, idleTimeout: 2_000 });
    this.#letGo = () => socket.destroy();
    let text = '';
    const read = socket.setEncoding('utf8');
    for await (const chunk of read) {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop()!; // what is cut off in a line is thrown away
      yield* lines;
    }
    socket.end();
  }
}
