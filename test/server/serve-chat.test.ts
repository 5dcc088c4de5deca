import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChatServer } from '../../src/server/chat.ts';
import type { ChatEvent, ChatRequest } from '../../src/server/chat-messages.ts';
import { connectWebSocket, type WebSocketClient } from '../../src/websocket/index.ts';

let server: ChatServer;

before(async () => {
  server = new ChatServer('ws://127.0.0.1:0');
  await server.listen();
});
after(() => server.close({ grace: 0 }));

/** A page without a browser. */
class Visitor {
  readonly #client: WebSocketClient;
  readonly #events: AsyncIterator<string | Uint8Array>;

  private constructor(client: WebSocketClient) {
    this.#client = client;
    this.#events = client[Symbol.asyncIterator]();
  }

  static async connect(): Promise<Visitor> {
    return new Visitor(await connectWebSocket(server.addresses[0]!));
  }

  send(request: ChatRequest | string | Uint8Array): void {
    this.#client.send(typeof request === 'string' || request instanceof Uint8Array ? request : JSON.stringify(request));
  }

  /** The next event, which must be of that kind. */
  async next<Kind extends ChatEvent['kind']>(kind: Kind): Promise<ChatEvent & { kind: Kind }> {
    const { value } = await this.#events.next();
    const event: ChatEvent = JSON.parse(value);
    assert.equal(event.kind, kind, value);
    return event as ChatEvent & { kind: Kind };
  }

  async join(name: string, session = crypto.randomUUID(), seen?: { room: string; number: number }) {
    this.send({ kind: 'join', name, session, ...(seen && { seen }) });
    return this.next('welcome');
  }

  get closed(): Promise<{ code: number; reason: string }> {
    return this.#client.closed;
  }

  async leave(): Promise<void> {
    this.#client.close();
    await this.#client.closed;
  }
}

test('what one says reaches the others with the time, and its sender with its key', async () => {
  const [ana, luis] = [await Visitor.connect(), await Visitor.connect()];
  const { you } = await ana.join('Ana');
  const { people } = await luis.join('Luis');
  assert.deepEqual(
    people.map(({ name }) => name),
    ['Ana', 'Luis'],
  );
  assert.equal((await ana.next('joined')).person.name, 'Luis');
  const from = Date.now();
  ana.send({ kind: 'say', text: 'hello', key: 'k1' });
  const mine = await ana.next('said');
  const theirs = await luis.next('said');
  assert.equal(mine.key, 'k1');
  assert.deepEqual({ ...theirs, key: 'k1' }, mine);
  assert.deepEqual(theirs.author, you);
  assert.ok(theirs.at >= from && theirs.at <= Date.now());
  await luis.leave();
  assert.equal((await ana.next('left')).person.name, 'Luis');
  await ana.leave();
});

test('a message said again under its key reaches nobody twice', async () => {
  const [ana, luis] = [await Visitor.connect(), await Visitor.connect()];
  await ana.join('Ana');
  await luis.join('Luis');
  await ana.next('joined');
  for (const text of ['once', 'once', 'other']) ana.send({ kind: 'say', text, key: text });
  const numbers = [await ana.next('said'), await ana.next('said'), await ana.next('said')].map(({ number }) => number);
  assert.equal(numbers[0], numbers[1]);
  assert.equal((await luis.next('said')).text, 'once');
  assert.equal((await luis.next('said')).text, 'other');
  await Promise.all([ana.leave(), luis.leave()]);
});

test('the page that comes back while its old connection hangs takes its place, unnoticed by the rest', async () => {
  const [old, luis, again] = [await Visitor.connect(), await Visitor.connect(), await Visitor.connect()];
  const session = crypto.randomUUID();
  const { you, room } = await old.join('Ana', session);
  await luis.join('Luis');
  luis.send({ kind: 'say', text: 'missed', key: 'k' });
  const { number } = await luis.next('said');
  const welcome = await again.join('Ana', session, { room, number: number - 1 });
  assert.deepEqual(welcome.you, you);
  assert.deepEqual(
    welcome.messages.map(({ text }) => text),
    ['missed'],
  );
  assert.equal((await old.closed).code, 4001);
  luis.send({ kind: 'ping' });
  await luis.next('pong'); // and neither `left` nor `joined` before it
  await Promise.all([luis.leave(), again.leave()]);
});

test('nonsense is answered, hurts nobody else, and ends its sender when it does not stop', async () => {
  const [ana, troll] = [await Visitor.connect(), await Visitor.connect()];
  await ana.join('Ana');
  const nonsense = ['{', 'null', '{"kind":"dance"}', new Uint8Array([1, 2, 3]), '[]', '7', '{"kind":"say"}', '""'];
  for (const message of nonsense) {
    troll.send(message);
    assert.equal((await troll.next('error')).code, 'bad-message');
  }
  troll.send({ kind: 'say', text: 'from outside', key: 'k' });
  const refused = await troll.next('error');
  assert.deepEqual([refused.code, refused.key], ['not-in-the-room', 'k']);
  troll.send('once more');
  await troll.next('error');
  assert.equal((await troll.closed).code, 1008);
  ana.send({ kind: 'ping' });
  await ana.next('pong');
  await ana.leave();
});

test('a text at its limit passes however it is written, and one over it is refused by its key', async () => {
  const ana = await Visitor.connect();
  await ana.join('Ana');
  ana.send(`{"kind":"say","key":"escaped","text":"${'\\u00e9'.repeat(4000)}"}`);
  assert.equal((await ana.next('said')).text, 'é'.repeat(4000));
  ana.send({ kind: 'say', text: 'x'.repeat(4001), key: 'long' });
  const refused = await ana.next('error');
  assert.deepEqual([refused.code, refused.key], ['text-too-long', 'long']);
  ana.send({ kind: 'say', text: 'x'.repeat(100_000), key: 'huge' });
  assert.equal((await ana.closed).code, 1009);
});

test('who is not in the room hears nothing of it, and joins once', async () => {
  const [ana, stranger] = [await Visitor.connect(), await Visitor.connect()];
  await ana.join('Ana');
  ana.send({ kind: 'say', text: 'among us', key: 'k' });
  await ana.next('said');
  stranger.send({ kind: 'ping' });
  await stranger.next('pong');
  await stranger.join('Eva');
  stranger.send({ kind: 'join', name: 'Eva again', session: crypto.randomUUID() });
  assert.equal((await stranger.next('error')).code, 'bad-message');
  await Promise.all([ana.leave(), stranger.leave()]);
});
