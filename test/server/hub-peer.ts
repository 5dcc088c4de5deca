import type { TestContext } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub, type HubOptions } from '../../src/hub/index.ts';
import { SUBPROTOCOL } from '../../src/protocol/index.ts';
import { type HubServer, type ServeOptions, serve } from '../../src/server/transports/websocket/index.ts';
import { connectWebSocket, type WebSocketClient } from '../../src/websocket/index.ts';

type Line = readonly unknown[];

/** A client of the protocol by hand: it says lines, and waits for lines. */
export class HubPeer {
  readonly client: WebSocketClient;
  readonly #frames: AsyncIterator<unknown>;
  #lines: Line[] = [];
  #id = 0;

  constructor(client: WebSocketClient) {
    this.client = client;
    this.#frames = client[Symbol.asyncIterator]() as AsyncIterator<unknown>;
  }

  static async connect(t: TestContext, url: string): Promise<HubPeer> {
    const client = await connectWebSocket(url, { protocols: [SUBPROTOCOL] });
    t.after(() => client.terminate());
    return new HubPeer(client);
  }

  /** Connects, and says hi. */
  static async join(t: TestContext, url: string, hello: object = {}): Promise<HubPeer> {
    const peer = await HubPeer.connect(t, url);
    await peer.ask('hi', hello);
    return peer;
  }

  say(...line: Line): void {
    this.client.sendJson(line);
  }

  /** The next line; undefined when the connection is over. */
  async next(): Promise<Line | undefined> {
    while (this.#lines.length === 0) {
      const { value, done } = await this.#frames.next();
      if (done) return undefined;
      this.#lines = String(value)
        .split('\n')
        .map((line) => JSON.parse(line));
    }
    return this.#lines.shift();
  }

  /** The next line that begins so; those before it are passed over. */
  async until(verb: string): Promise<Line> {
    for (;;) {
      const line = await this.next();
      if (!line) throw new Error(`the connection ended before "${verb}" came`);
      if (line[0] === verb) return line;
    }
  }

  /** Sends a request; answers its result, or the code of its error. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  async ask(verb: string, ...rest: unknown[]): Promise<any> {
    const id = ++this.#id;
    this.say(verb, id, ...rest);
    for (;;) {
      const line = await this.next();
      if (!line) throw new Error(`the connection ended before "${verb}" was answered`);
      if ((line[0] === 'ok' || line[0] === 'err') && line[1] === id) return line[2];
    }
  }

  /** The offsets and data of the next `count` publications. */
  async publications(count: number): Promise<unknown[]> {
    const got: unknown[] = [];
    while (got.length < count) {
      const [, , offset, data] = await this.until('m');
      got.push([offset, data]);
    }
    return got;
  }
}

/** A hub on a free port, closed when the test is over. */
export async function serveHub(
  t: TestContext,
  options: Partial<HubOptions> = {},
  serveOptions: ServeOptions = {},
): Promise<{ hub: Hub; server: HubServer; url: string; errors: Error[] }> {
  const errors: Error[] = [];
  const hub = new Hub({ broker: memory(), onError: (error) => errors.push(error), ...options });
  const server = await serve(hub, 'ws://127.0.0.1:0', serveOptions);
  t.after(async () => {
    await server.close({ grace: 0 });
    await hub.close();
  });
  return { hub, server, url: server.addresses[0]!, errors };
}
