import { type ServerMessage, SUBPROTOCOL } from '../../src/protocol/index.ts';
import { type ClientOptions, connectWebSocket, type WebSocketClient } from '../../src/websocket/index.ts';
import { tokenOf } from './settings.ts';

export type Patience = Pick<ClientOptions, 'timeout' | 'pingInterval' | 'pongTimeout' | 'closeTimeout'>;

/** Milliseconds, for lines that fail at every turn. */
const FAST: Patience = { timeout: 3_000, pingInterval: 500, pongTimeout: 2_000, closeTimeout: 500 };

export interface Answer {
  ok(result: unknown): void;
  err(code: string): void;
}

/** The protocol by hand, on one connection: lines out, and every line in its order to whom it concerns. */
export class RawPeer {
  /** Resolves when the connection is over. */
  readonly over: Promise<unknown>;
  readonly #client: WebSocketClient;
  readonly #answers = new Map<number, Answer>();
  #id = 0;

  private constructor(client: WebSocketClient, onLine: (line: ServerMessage) => void) {
    this.#client = client;
    this.over = this.#read(onLine);
  }

  /** Rejects when the line fails before the welcome. */
  static async join(
    url: string,
    user: string,
    onLine: (line: ServerMessage) => void,
    patience: Patience = FAST,
  ): Promise<RawPeer> {
    const client = await connectWebSocket(url, { protocols: [SUBPROTOCOL], ...patience });
    const peer = new RawPeer(client, onLine);
    await peer.request('hi', { token: tokenOf(user) });
    return peer;
  }

  say(...line: readonly unknown[]): void {
    this.#client.sendJson(line);
  }

  /** The answer is given in its place among the other lines. */
  ask(answer: Answer, verb: string, ...rest: unknown[]): void {
    const id = ++this.#id;
    this.#answers.set(id, answer);
    this.say(verb, id, ...rest);
  }

  /** Rejects with the code, or LOST. */
  request(verb: string, ...rest: unknown[]): Promise<unknown> {
    return new Promise((ok, reject) => this.ask({ ok, err: (code) => reject(new Error(code)) }, verb, ...rest));
  }

  terminate(): void {
    this.#client.terminate();
  }

  async #read(onLine: (line: ServerMessage) => void): Promise<void> {
    for await (const frame of this.#client) {
      for (const text of String(frame).split('\n')) {
        if (text === '') continue;
        const line = JSON.parse(text) as ServerMessage;
        if (line.length === 0) this.say(1);
        else if (line[0] === 'ok') this.#take(line[1])?.ok(line[2]);
        else if (line[0] === 'err') this.#take(line[1])?.err(line[2]);
        else onLine(line);
      }
    }
    for (const { err } of [...this.#answers.values()]) err('LOST');
    this.#answers.clear();
  }

  #take(id: number): Answer | undefined {
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    return answer;
  }
}
