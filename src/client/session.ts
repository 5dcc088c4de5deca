import {
  encode,
  type Hello,
  PING,
  PONG,
  ProtocolError,
  type ServerMessage,
  SUBPROTOCOL,
  type Welcome,
} from '../protocol/index.ts';
import { Liveness, type Network } from './liveness.ts';
import { LEGAL, type PlainSocket, ReconnectingSocket, type SocketState, type Timers } from './reconnecting-socket.ts';
import { type Answer, Requests } from './requests.ts';
import { PASSING } from './retry.ts';

/** A WebSocket that tells which subprotocol the server chose, as they all do. */
export interface NegotiatedSocket extends PlainSocket {
  readonly protocol: string;
}

export type Token = () => string | Promise<string>;

/** A user and a password, as somebody types them. Asked for only when no token is left of an earlier welcome. */
export interface Login {
  user: string;
  password: string;
}

export interface SessionOptions {
  url: string;
  token: Token | undefined;
  login: (() => Login | Promise<Login>) | undefined;
  WebSocket: new (url: string, subprotocol: string) => NegotiatedSocket;
  timers: Timers;
  random: () => number;
  network: Network | undefined;
}

export interface SessionListener {
  /** `open` means welcomed; `why` comes with `closed` when it was not we who ended it. */
  onState(state: SocketState, why: Error | undefined): void;
  /** Everything that is not the session's own business. */
  onMessage(message: ServerMessage): void;
  /** Something failed that was nobody's request. */
  onError(error: Error): void;
}

/** How long the server may take to answer, in ms, before the connection counts as lost: a log may wait for its disk. */
const ANSWER_WITHIN = 10_000;
/** Characters in a frame after which the next line begins another, so that many small ones stay under any limit. */
const FRAME = 16_384;

/** `hi` was refused for good: the same again would be refused again. A failure of the server's program is not that. */
const isFinal = (code: string) => !PASSING.has(code) && code !== 'INTERNAL';

/**
 * A connection that is greeted, doubted and renewed by itself: what is sent here is sent to a server that has
 * welcomed us. What to say again after each welcome is the business of whoever listens.
 */
export class Session {
  readonly timers: Timers;
  readonly random: () => number;
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #socket: ReconnectingSocket;
  readonly #liveness: Liveness;
  readonly #requests = new Requests();
  /** What is to be asked after the next welcome, and whom to tell if there will be none. */
  readonly #untilOpen = new Map<() => void, (error: Error) => void>();
  #state: SocketState = 'closed';
  /** What the next `hi` says; an error when it could not be had. */
  #hello: Promise<Hello | Error> | undefined;
  /** A token of the welcome, for the next `hi` in the place of the password. */
  #given: string | undefined;
  #renewal: Promise<void> | undefined;
  #refusals = 0;
  #welcome: Welcome | undefined;
  #ticket: string | undefined;
  #outgoing = '';
  #plain: NegotiatedSocket | undefined;
  #why: Error | undefined;

  constructor(options: SessionOptions, listener: SessionListener) {
    const { timers, random, network, url, WebSocket } = options;
    this.#options = options;
    this.#listener = listener;
    this.timers = timers;
    this.random = random;
    this.#socket = new ReconnectingSocket({
      connect: () => {
        this.#plain = new WebSocket(url, SUBPROTOCOL);
        return this.#plain;
      },
      onState: (state) => this.#socketChanged(state),
      onMessage: (frame) => this.#receive(String(frame)),
      timers,
      random,
    });
    this.#liveness = new Liveness({
      timers,
      network,
      ask: (within) => this.#askForLife(within),
      wake: () => this.#socket.retryNow(),
      onPulse: (now) => this.#requests.isOverdue(now) && this.#socket.lose(),
    });
  }

  get state(): SocketState {
    return this.#state;
  }

  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  /** With what the other side closed the last connection. */
  get closeCode(): number | undefined {
    return this.#socket.closeCode;
  }

  get retryIn(): number {
    return this.#socket.retryIn;
  }

  open(): void {
    this.#why = undefined;
    this.#socket.open();
  }

  retryNow(): void {
    this.#socket.retryNow();
  }

  close(): void {
    this.#flush();
    this.#ticket = undefined;
    this.#given = undefined;
    this.#socket.close();
  }

  /** Sends a line behind the others of this turn, in one frame with them. Nothing, unless open. */
  send(line: string): void {
    if (this.#state !== 'open') return;
    if (this.#outgoing === '') queueMicrotask(() => this.#flush());
    else this.#outgoing += '\n';
    this.#outgoing += line;
    if (this.#outgoing.length > FRAME) this.#flush();
  }

  /** Asks once, on this connection. Its loss is the answer CONNECTION_LOST. Only while open. */
  ask(line: (id: number) => string, answer: Answer, within = ANSWER_WITHIN): number {
    const id = this.#requests.add(answer, this.timers.now() + within);
    this.send(line(id));
    return id;
  }

  /**
   * Asks as soon as there is a connection. Rejects with the server's code, or with TIMEOUT after `timeout`
   * milliseconds. After a loss it is asked again if it may be `repeat`ed, else that is CONNECTION_LOST.
   */
  request(line: (id: number) => string, repeat: boolean, timeout = 10_000): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    let id = 0;
    let renewed = false;
    const ask = () => {
      this.#untilOpen.delete(ask);
      // Its lateness says nothing about the connection: a method may take as long as it likes.
      id = this.ask(line, { ok: resolve, err: refused }, Number.POSITIVE_INFINITY);
    };
    const askWhenOpen = () => (this.#state === 'open' ? ask() : this.#untilOpen.set(ask, reject));
    const refused = (error: ProtocolError) => {
      if (error.code === 'CONNECTION_LOST' && repeat && this.#state !== 'closed') askWhenOpen();
      else if (error.code === 'UNAUTHORIZED' && this.#options.token && !renewed) {
        renewed = true;
        this.renew().then(askWhenOpen, reject);
      } else reject(error);
    };
    const cancel = this.timers.after(timeout, () => {
      this.#untilOpen.delete(ask);
      this.#requests.forget(id);
      reject(new ProtocolError('TIMEOUT', `no answer came within ${timeout} ms; whether it was done is not known`));
    });
    askWhenOpen();
    return promise.finally(cancel);
  }

  /** Gets a new token and gives it to the server. Rejects when there is none to be had, or it is refused. */
  renew(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<void> {
    if (!this.#options.token) throw new ProtocolError('UNAUTHORIZED', 'the client has no option `token`');
    const token = await this.#options.token();
    await new Promise<unknown>((ok, err) => {
      // The next connection begins with a new token anyway.
      const refused = (error: ProtocolError) => (error.code === 'CONNECTION_LOST' ? ok(undefined) : err(error));
      if (this.#state === 'open') this.ask((id) => encode(['auth', id, token]), { ok, err: refused });
      else ok(undefined);
    });
  }

  #flush(): void {
    const frame = this.#outgoing;
    this.#outgoing = '';
    if (frame !== '') this.#socket.send(frame);
  }

  #socketChanged(state: SocketState): void {
    switch (state) {
      case 'connecting':
        this.#liveness.start();
        this.#hello = this.#prepareHello();
        this.#become(state);
        break;
      case 'open':
        // Without it, the server would take our lines for something that somebody says.
        if (this.#plain?.protocol === SUBPROTOCOL) this.#greet();
        else this.#end(new ProtocolError('NOT_OFFERED', `${this.#options.url} does not speak ${SUBPROTOCOL}`));
        break;
      case 'waiting':
        this.#lost(state);
        break;
      case 'closed':
        this.#liveness.stop();
        this.#lost(state, this.#socket.closeCode === undefined ? this.#why : REFUSED);
        for (const reject of this.#untilOpen.values()) reject(this.#why ?? CLOSED);
        this.#untilOpen.clear();
    }
  }

  /** Whoever hears of a loss finds it done: nothing can be sent any more. */
  #lost(state: SocketState, why?: Error): void {
    this.#outgoing = '';
    this.#welcome = undefined;
    this.#become(state, why);
    this.#requests.reset();
  }

  async #prepareHello(): Promise<Hello | Error> {
    const { token, login } = this.#options;
    try {
      if (token) return { token: await token() };
      if (this.#given) return { token: this.#given };
      if (!login) return {};
      const { user, password } = await login();
      return { login: [user, password] };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async #greet(): Promise<void> {
    const prepared = this.#hello;
    const hello = await prepared;
    if (prepared !== this.#hello || this.#socket.state !== 'open') return;
    this.#hello = undefined;
    if (hello instanceof Error) {
      // Whoever would not log in is not asked again and again.
      if (!this.#options.token) this.#end(hello);
      else {
        this.#listener.onError(hello);
        this.#socket.lose();
      }
      return;
    }
    const id = this.#requests.add(
      { ok: (welcome) => this.#welcomed((welcome ?? {}) as Welcome), err: (error) => this.#refused(error) },
      this.timers.now() + ANSWER_WITHIN,
    );
    this.#socket.send(encode(['hi', id, { ...hello, ...(this.#ticket && { resume: this.#ticket }) }]));
  }

  #welcomed(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#ticket = welcome.ticket;
    this.#given = welcome.token ?? this.#given;
    this.#refusals = 0;
    if (welcome.ping > 0) this.#liveness.ping = welcome.ping;
    this.#become('open');
    for (const ask of [...this.#untilOpen.keys()]) ask();
  }

  #refused(error: ProtocolError): void {
    if (error.code === 'CONNECTION_LOST') return;
    // The token may have run out on the way, or the ticket: once is no refusal. A wrong password stays wrong.
    const again = error.code === 'UNAUTHORIZED' && (this.#options.token ?? this.#given) && this.#refusals++ === 0;
    this.#ticket = undefined;
    this.#given = undefined;
    if (again || !isFinal(error.code)) this.#socket.lose(error.retryAfter);
    else this.#end(error);
  }

  #end(why: Error): void {
    this.#why = why;
    this.close();
  }

  #askForLife(within: number): void {
    if (this.#socket.send(encode(PING))) this.#socket.expectAnswer(within);
  }

  /** False until something comes after the welcome: a server that is well goes on from there. */
  #receive(frame: string): boolean {
    const wasOpen = this.#state === 'open';
    this.#liveness.heard();
    for (const line of frame.split('\n')) {
      // What the last line made us do may have ended this connection: whatever else it said is void.
      if (this.#socket.state !== 'open') break;
      try {
        // Taken at its word: to check every part of it would make the SDK a tenth larger, and each message dearer.
        if (line) this.#handle(JSON.parse(line) as ServerMessage);
      } catch (error) {
        this.#listener.onError(new Error(`the server sent a bad line: ${line.slice(0, 80)}`, { cause: error }));
      }
    }
    return wasOpen;
  }

  #handle(message: ServerMessage): void {
    switch (message[0]) {
      case undefined:
        this.#socket.send(encode(PONG));
        break;
      case 1:
        break;
      case 'ok':
        this.#requests.settle(message[1], message[2]);
        break;
      case 'err':
        this.#answerError(message[1], new ProtocolError(message[2], message[3], message[4] ?? undefined));
        break;
      case 'bye':
        this.#leave(message[1], message[2].after, message[2].ticket);
        break;
      default:
        this.#listener.onMessage(message);
    }
  }

  #answerError(id: number, error: ProtocolError): void {
    if (id === 0) this.#listener.onError(error);
    else this.#requests.fail(id, error);
  }

  #leave(code: string, after: number | undefined, ticket: string | undefined): void {
    const error = new ProtocolError(code, `the server ended the connection: ${code}`, after);
    if (code === 'UNAUTHORIZED') this.#refused(error);
    // HI_FIRST: our token took too long to get.
    else if (after === undefined && code !== 'HI_FIRST') this.#end(error);
    else {
      if (ticket) this.#ticket = ticket;
      this.#socket.lose(after);
    }
  }

  #become(state: SocketState, why?: Error): void {
    if (!LEGAL[this.#state].includes(state)) throw new Error(`from ${this.#state} there is no way to ${state}`);
    this.#state = state;
    this.#listener.onState(state, why);
  }
}

export const CLOSED = new ProtocolError('CLOSED', 'it was closed here');
const REFUSED = new ProtocolError('FORBIDDEN', 'the server closed it with 1008');
