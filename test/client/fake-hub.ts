import assert from 'node:assert/strict';
import {
  type ClientMessage,
  compilePattern,
  decodeFromClient,
  encode,
  encodePublication,
  isPattern,
  type Member,
  type Position,
  type ServerMessage,
  type SubscribeOptions,
  type WelcomeLimits,
} from '../../src/protocol/index.ts';
import { plain } from '../support/plain.ts';
import { turn } from '../support/turn.ts';
import { FakeSocket } from './fake-socket.ts';

interface Entry {
  data: unknown;
  key: string | undefined;
}

interface Log {
  epoch: string;
  /** The first has the offset 1. */
  entries: Entry[];
  oldest: number;
  members: Member[];
}

interface Subscription {
  channel: string;
  position: number;
  credit: number;
  isLive: boolean;
}

/** One connection's server end. What goes either way waits until the test lets it through. */
export class FakeLine extends FakeSocket {
  readonly url: string;
  readonly subprotocol: string;
  /** What the hub chose. */
  protocol: string;
  readonly subscriptions = new Map<number, Subscription>();
  readonly patterns = new Map<string, (channel: string) => boolean>();
  /** Numbers that this line was told, by `ch` or an answer, since when it hears them without a break. */
  readonly told = new Set<number>();
  /** Lines on their way to the server, and to the client. */
  readonly up: string[] = [];
  readonly down: string[] = [];
  isAccepted = false;
  isGone = false;
  isReady = false;

  constructor(url: string, subprotocol: string) {
    super();
    this.url = url;
    this.subprotocol = subprotocol;
    this.protocol = subprotocol;
  }

  override send(data: string): void {
    if (this.isGone) return;
    super.send(data);
    this.up.push(data);
  }

  override close(code?: number): void {
    super.close(code);
    this.isGone = true;
  }

  say(message: ServerMessage): void {
    this.down.push(encode(message));
  }
}

/** A hub that speaks `zocalo.1` by hand, on lines that a test opens, cuts and holds up as it likes. */
export class FakeHub {
  readonly lines: FakeLine[] = [];
  readonly logs = new Map<string, Log>();
  /** Everything that clients said and the hub has read. */
  readonly heard: ClientMessage[] = [];
  /** Answers a request in place of the hub; undefined leaves it to the hub, null to nobody. */
  refuse: (message: ClientMessage) => ServerMessage | null | undefined = () => undefined;
  /** False: attempts hang until the test opens them. */
  accepts = true;
  ping = 25_000;
  /** Given to whoever is welcomed, for the next time. */
  token: string | undefined;
  /** What the welcome says of them. */
  limits: WelcomeLimits | undefined;
  #numbers = new Map<string, number>();
  #nextNumber = 1;

  /** For the client's option of that name. */
  get WebSocket(): new (
    url: string,
    subprotocol: string,
  ) => FakeLine {
    const { lines } = this;
    return class extends FakeLine {
      constructor(url: string, subprotocol: string) {
        super(url, subprotocol);
        lines.push(this);
      }
    };
  }

  get line(): FakeLine {
    return this.lines.at(-1)!;
  }

  log(channel: string): Log {
    let log = this.logs.get(channel);
    if (!log) {
      log = { epoch: 'e1', entries: [], oldest: 1, members: [] };
      this.logs.set(channel, log);
    }
    return log;
  }

  dataOf(channel: string): unknown[] {
    return this.log(channel).entries.map(({ data }) => data);
  }

  heardOf<Verb extends string>(verb: Verb) {
    return this.heard.filter((message) => message[0] === verb) as Extract<
      ClientMessage,
      readonly [Verb, ...unknown[]]
    >[];
  }

  /** Lets everything through, both ways, until nothing moves any more. */
  async settle(): Promise<void> {
    for (;;) {
      await turn();
      if (!this.step(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)) return;
    }
  }

  /** Lets so many frames up and so many lines down. False when there was nothing to do. */
  step(up: number, down: number): boolean {
    const { line } = this;
    if (!line || line.isGone) return false;
    if (!line.isAccepted) {
      if (!this.accepts) return false;
      line.isAccepted = true;
      line.accept();
      return true;
    }
    const frames = line.up.splice(0, up);
    for (const frame of frames) this.#read(line, frame);
    // Now one line a frame, now several: a client must take both.
    const lines = line.down.splice(0, down);
    if (lines.length > 0) line.tell(lines.join('\n'));
    return frames.length + lines.length > 0;
  }

  /** The network goes: what was under way is lost both ways. */
  cut(): void {
    const { line } = this;
    if (!line || line.isGone) return;
    line.isGone = true;
    line.drop();
  }

  /** Another process in this one's place: the logs stay, the channels' numbers do not. */
  restart(): void {
    this.#numbers.clear();
    this.#nextNumber += 100;
    this.cut();
  }

  trim(channel: string, keep: number): void {
    const log = this.log(channel);
    log.oldest = Math.max(log.oldest, log.entries.length - keep + 1);
  }

  /** Publishes as somebody else. */
  publish(channel: string, data: unknown, key?: string): number {
    const log = this.log(channel);
    log.entries.push({ data, key });
    for (const line of this.lines) {
      if (line.isGone) continue;
      this.#follow(line);
      this.#tellPatterns(line, channel);
    }
    return log.entries.length;
  }

  /** To the present line, about a channel. */
  tell(channel: string, message: (ch: number) => ServerMessage): void {
    this.line.say(message(this.#number(channel)));
  }

  /** Its newest publication, to whoever hears it by a pattern alone. */
  #tellPatterns(line: FakeLine, channel: string): void {
    const ch = this.#number(channel);
    if (line.subscriptions.has(ch) || ![...line.patterns.values()].some((matches) => matches(channel))) return;
    const { entries, epoch } = this.log(channel);
    if (!line.told.has(ch)) line.say(['ch', ch, channel, epoch, entries.length - 1]);
    line.told.add(ch);
    const { data, key } = entries.at(-1)!;
    line.down.push(encodePublication(ch, entries.length, JSON.stringify(data), key ? JSON.stringify({ key }) : null));
  }

  #number(channel: string): number {
    const number = this.#numbers.get(channel) ?? this.#nextNumber++;
    this.#numbers.set(channel, number);
    return number;
  }

  #read(line: FakeLine, frame: string): void {
    for (const { message: decoded, fault } of decodeFromClient(frame)) {
      if (line.isGone) return;
      assert.equal(fault, undefined, `the client sent ${frame}`);
      if (!decoded) continue;
      const message: ClientMessage = plain(decoded);
      this.heard.push(message);
      const answer = this.refuse(message);
      if (answer) line.say(answer);
      if (answer === undefined) this.#handle(line, message);
    }
  }

  #handle(line: FakeLine, message: ClientMessage): void {
    if (message.length === 0) {
      line.say([1]);
      return;
    }
    if (message.length === 1) return;
    if (message[0] !== 'hi' && !line.isReady) assert.fail(`${message[0]} came before the welcome`);
    switch (message[0]) {
      case 'hi':
        line.isReady = true;
        line.say([
          'ok',
          message[1],
          {
            connection: 'c',
            user: 'natalia',
            ...(this.token && { token: this.token }),
            resumed: false,
            ping: this.ping,
            ...(this.limits && { limits: this.limits }),
            ticket: 'ticket',
          },
        ]);
        break;
      case 'sub':
        if (isPattern(message[2])) {
          assert.ok(!line.patterns.has(message[2]), `${message[2]} was subscribed to twice`);
          line.patterns.set(message[2], compilePattern(message[2]));
          line.say(['ok', message[1], {}]);
        } else this.#subscribe(line, message[1], message[2], message[3]);
        break;
      case 'un':
        if (isPattern(message[2])) {
          assert.ok(line.patterns.delete(message[2]), `${message[2]} was not subscribed to`);
          if (line.patterns.size === 0) line.told.clear();
          line.say(['ok', message[1], null]);
          break;
        }
        line.told.delete(this.#number(message[2]));
        assert.ok(line.subscriptions.delete(this.#number(message[2])), `${message[2]} was not subscribed to`);
        line.say(['ok', message[1], null]);
        break;
      case 'set': {
        const [, id, channel, { presence }] = message;
        const { members } = this.log(channel);
        assert.ok(line.subscriptions.has(this.#number(channel)), `${channel} was not subscribed to`);
        line.say(['ok', id, presence ? { members: [...members] } : null]);
        break;
      }
      case 'pub':
        this.#publish(line, message[1], message[2], message[3], message[4].key);
        break;
      case 'call':
        line.say(['ok', message[1], { method: message[2], data: message[3] }]);
        break;
      case 'auth':
        line.say(['ok', message[1], null]);
        break;
      case 'more':
        line.subscriptions.get(message[1])!.credit += message[2];
        this.#follow(line);
        break;
      case 'get': {
        const log = this.log(message[3]);
        if (message[2] === 'presence') {
          line.say(['ok', message[1], { count: log.members.length, members: log.members }]);
          break;
        }
        const { at } = message[4];
        if (at && at[0] === log.epoch && at[1] > log.entries.length) {
          line.say(['err', message[1], 'BAD_POSITION', 'that was never given out']);
          break;
        }
        const isLost = at && (at[0] !== log.epoch || at[1] < log.oldest - 1);
        const after = at && !isLost ? at[1] : log.oldest - 1;
        const entries = log.entries.map(({ data, key }, index) => [index + 1, data, key ? { key } : {}] as const);
        const page = entries.slice(after, after + (message[4].limit ?? 256));
        line.say([
          'ok',
          message[1],
          {
            epoch: log.epoch,
            oldest: log.oldest,
            head: log.entries.length,
            ...(isLost && { gap: true }),
            entries: page,
          },
        ]);
      }
    }
  }

  #subscribe(
    line: FakeLine,
    id: number,
    channel: string,
    { at, recent = 0, credit = 256, presence }: SubscribeOptions,
  ): void {
    const log = this.log(channel);
    const ch = this.#number(channel);
    assert.ok(!line.subscriptions.has(ch), `${channel} was subscribed to twice`);
    const head = log.entries.length;
    if (at && at[0] === log.epoch && at[1] > head) {
      line.say(['err', id, 'BAD_POSITION', 'that was never given out']);
      return;
    }
    const isLost = at && (at[0] !== log.epoch || at[1] < log.oldest - 1);
    const from = isLost ? head : at ? at[1] : Math.max(log.oldest - 1, head - recent);
    const members = presence ? { members: [...log.members], count: log.members.length } : {};
    line.say(['ok', id, { ch, epoch: log.epoch, offset: from, ...(from < head && { head }), ...members }]);
    if (isLost) line.say(['gap', ch, { have: at, oldest: log.oldest, head, epoch: log.epoch }]);
    line.subscriptions.set(ch, { channel, position: from, credit, isLive: false });
    this.#follow(line);
  }

  #publish(line: FakeLine, id: number, channel: string, data: unknown, key: string | undefined): void {
    const { entries, epoch } = this.log(channel);
    const known = key === undefined ? -1 : entries.findIndex((entry) => entry.key === key);
    if (known >= 0) assert.deepEqual(entries[known]!.data, data, 'a key was used again for other data');
    const offset = known >= 0 ? known + 1 : this.publish(channel, data, key);
    const at: Position = [epoch, offset];
    line.say(['ok', id, { at }]);
  }

  #follow(line: FakeLine): void {
    for (const [ch, subscription] of line.subscriptions) {
      const { entries, epoch, oldest } = this.log(subscription.channel);
      if (!subscription.isLive && subscription.position < oldest - 1) {
        const have: Position = [epoch, subscription.position];
        line.say(['gap', ch, { have, oldest, head: entries.length, epoch }]);
        subscription.position = entries.length;
      }
      while (subscription.position < entries.length && (subscription.isLive || subscription.credit > 0)) {
        const { data, key } = entries[subscription.position]!;
        subscription.position += 1;
        subscription.credit -= 1;
        const meta = key === undefined ? null : JSON.stringify({ key });
        line.down.push(encodePublication(ch, subscription.position, JSON.stringify(data), meta));
      }
      if (!subscription.isLive && subscription.position === entries.length) {
        subscription.isLive = true;
        line.say(['live', ch, entries.length]);
      }
    }
  }
}
