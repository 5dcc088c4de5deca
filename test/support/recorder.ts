import { EventEmitter, once } from 'node:events';
import type { TestContext } from 'node:test';
import type { ZocaloError } from '../../src/errors.ts';
import {
  type Attachment,
  type Message,
  type ServerOptions,
  type UpgradeAnswer,
  type UpgradeRequest,
  type User,
  WebSocketServer,
} from '../../src/websocket/index.ts';
import { FakeClock } from './fake-clock.ts';

/** A server that writes down what its hooks are told, for tests to wait for. */
export class Recorder extends WebSocketServer {
  readonly errors: ZocaloError[] = [];
  readonly #told: Record<string, unknown[]> = {};
  readonly #bell = new EventEmitter();
  upgrade: (request: UpgradeRequest) => UpgradeAnswer | Promise<UpgradeAnswer> = () => {};
  message: (user: User, message: Message) => unknown = () => {};

  /** Listens on a free port of 127.0.0.1, unless told where, and is closed when the test is over. */
  static async listen(t: TestContext, options: ServerOptions = {}, where: string | Attachment = 'ws://127.0.0.1:0') {
    const server = new Recorder(where, options);
    await server.listen();
    t.after(() => {
      const closed = server.close({ grace: 0 });
      if (options.clock instanceof FakeClock) options.clock.advance(0);
      return closed;
    });
    return server;
  }

  get url(): string {
    return this.addresses[0]!;
  }

  /** The next thing of that kind that was told and not yet asked for: now or when it comes. */
  async next(kind: 'connect' | 'message' | 'close' | 'error'): Promise<unknown> {
    while (!this.#told[kind]?.length) await once(this.#bell, `told ${kind}`);
    return this.#told[kind].shift();
  }

  /** The next handshake waits: `asked` resolves when it is there, and `accept` lets it in. */
  holdUpgrade(): { asked: Promise<void>; accept: () => void } {
    const [asked, decision] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.upgrade = () => {
      asked.resolve();
      return decision.promise;
    };
    return { asked: asked.promise, accept: decision.resolve };
  }

  #tell(kind: string, what: unknown): void {
    this.#told[kind] ??= [];
    this.#told[kind].push(what);
    this.#bell.emit(`told ${kind}`);
  }

  override onUpgrade(request: UpgradeRequest) {
    return this.upgrade(request);
  }

  override onConnect(user: User) {
    this.#tell('connect', user);
  }

  override onMessage(user: User, message: Message) {
    this.#tell('message', message);
    return this.message(user, message);
  }

  override onClose(_user: User, code: number, reason: string) {
    this.#tell('close', [code, reason]);
  }

  override onError(error: ZocaloError) {
    this.errors.push(error);
    this.#tell('error', error);
  }
}

/** The next `count` messages of a client, which stays open. */
export async function take(client: AsyncIterable<Message>, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  const iterator = client[Symbol.asyncIterator]();
  while (messages.length < count) {
    const { value, done } = await iterator.next();
    if (done) throw new Error(`the connection ended after ${messages.length} of ${count} messages`);
    messages.push(value);
  }
  return messages;
}
