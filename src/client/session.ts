import { type Hello, ProtocolError, type ServerMessage, SUBPROTOCOL, type Welcome } from '../protocol/index.ts';
import { askToken, prepareHello } from './credentials.ts';
import { encodeParts } from './json.ts';
import { Liveness } from './liveness.ts';
import { pauseBefore, ReconnectingSocket, type SocketState, type Timers } from './reconnecting-socket.ts';
import type { Answer, Asking, Line, Request } from './requests.ts';
import { isPassing } from './retry.ts';
import type { NegotiatedSocket, SessionListener, SessionOptions } from './session-options.ts';

/** How long the server may take to answer, in ms, before the connection counts as lost: a log may wait for its disk. */
const ANSWER_WITHIN = 10_000;
/** Characters in a frame after which the next line begins another, so that many small ones stay under any limit. */
const FRAME = 16_384;
/** Of what the server allows in a second, since `hi` and what keeps the line alive count too. It takes twice that at once. */
const SHARE = 0.9;
const NO_LIMITS = { lines: Infinity, bytes: Infinity };

/** `hi` was refused for good: the same again would be refused again. A failure of the server's program is not that. */
const isFinal = (error: ProtocolError) => !isPassing(error) && error.code !== 'INTERNAL';

/**
 * A connection that is greeted, doubted and renewed by itself: what is sent here is sent to a server that has
 * welcomed us. What to say again after each welcome is the business of whoever listens.
 */
export class Session {
  readonly #timers: Timers;
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #socket: ReconnectingSocket;
  readonly #liveness: Liveness;
  /** What this connection was asked and has not answered, by number. */
  readonly #requests = new Map<number, Request>();
  #lastId = 0;
  /** What was refused for the token, and is asked again with a new one. Until then nothing leaves, and overtakes it. */
  readonly #held: Request[] = [];
  /** What is to be asked after the next welcome, and whom to tell if there will be none. */
  readonly #untilOpen = new Map<() => void, (error: Error) => void>();
  /** What the next `hi` says; an error when it could not be had. */
  #hello: Promise<Hello | { error: Error }> | undefined;
  /** A token of the welcome, for the next `hi` in the place of the password. */
  #given: string | undefined;
  #renewal: Promise<void> | undefined;
  #refusals = 0;
  #welcome: Welcome | undefined;
  #ticket: string | undefined;
  /** There was a connection, or an attempt, and there is none now. */
  #isOffline = false;
  readonly #outgoing: Line[] = [];
  /** How much of what the server takes in a second has left in this one: a line, or its bytes, whatever is dearer. */
  #spent = 0;
  #cancelTurn: (() => void) | undefined;
  #plain: NegotiatedSocket | undefined;
  #why: Error | undefined;

  constructor(options: SessionOptions, listener: SessionListener) {
    const { clock: timers, random, network, url, WebSocket } = options;
    this.#options = options;
    this.#listener = listener;
    this.#timers = timers;
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
      onPulse: (now) => [...this.#requests.values()].some(({ due }) => due <= now) && this.#socket.lose(),
    });
  }

  get state(): SocketState {
    const { state } = this.#socket;
    return state === 'open' && !this.#welcome ? 'connecting' : state;
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

  retryNow(): void {
    this.#socket.retryNow();
  }

  open(): void {
    this.#why = undefined;
    this.#isOffline = false;
    this.#socket.open();
  }

  close(): void {
    this.#flush();
    this.#ticket = undefined;
    this.#given = undefined;
    this.#socket.close();
  }

  /** Sends a line with the others of this turn, at the pace that the server allows. Only while open. */
  send(line: Line): void {
    if (this.#outgoing.push(line) === 1) queueMicrotask(() => this.#flush());
  }

  /** Asks once, on this connection, what `encodeParts` made. Its loss is the answer CONNECTION_LOST. Only while open. */
  ask(verb: string, parts: string, answer: Answer, within = ANSWER_WITHIN): number {
    // 2³¹ − 1 requests on one connection is more than anybody makes.
    const id = ++this.#lastId;
    const isRenewed = verb === 'hi' || verb === 'auth';
    const request = {
      id,
      line: `["${verb}",${id},${parts}`,
      within,
      due: Infinity,
      isSent: false,
      isRenewed,
      ...answer,
    };
    this.#requests.set(id, request);
    if (isRenewed) this.#socket.send(this.#leaving(request));
    else this.send(request);
    return id;
  }

  /**
   * Asks as soon as there is a connection. Rejects with the server's code, or with TIMEOUT after `timeout`
   * milliseconds. After a loss it is asked again if it may be `repeat`ed, else that is CONNECTION_LOST.
   */
  request(verb: string, parts: string, { repeat, timeout = 10_000 }: Asking = {}): Promise<unknown> {
    let cancel = () => {};
    const answer = new Promise<unknown>((resolve, reject) => {
      let id = 0;
      const ask = () => {
        this.#untilOpen.delete(ask);
        // Its lateness says nothing about the connection: a method may take as long as it likes.
        id = this.ask(verb, parts, { ok: resolve, err: refused }, Infinity);
      };
      const askWhenOpen = () => (this.state === 'open' ? ask() : this.#untilOpen.set(ask, reject));
      const refused = (error: ProtocolError) => {
        // With a pause of 0 it was not done.
        const again = error.code === 'CONNECTION_LOST' && (repeat || error.retryAfter === 0);
        if (again && this.state !== 'closed') askWhenOpen();
        else reject(error);
      };
      cancel = this.#timers.after(timeout, () => {
        this.#untilOpen.delete(ask);
        this.#requests.delete(id);
        reject(new ProtocolError('TIMEOUT', UNKNOWN));
      });
      askWhenOpen();
    });
    return answer.finally(() => cancel());
  }

  /**
   * Does again later what was refused for now: when the server said, and a little more, as before connecting. Answers
   * what cancels it.
   */
  retry({ retryAfter = 0 }: ProtocolError, failures: number, action: () => void): () => void {
    return this.#timers.after(retryAfter + pauseBefore(failures, this.#options.random(), 500, 15_000), action);
  }

  /** Gets a new token and gives it to the server. Rejects when there is none to be had, or it is refused. */
  renew(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<void> {
    const token = await askToken(this.#options.token);
    if (!token) throw new ProtocolError('UNAUTHORIZED', 'there is no token');
    await new Promise<unknown>((ok, err) => {
      // The next connection begins with a new token anyway.
      const refused = (error: ProtocolError) => (error.code === 'CONNECTION_LOST' ? ok(undefined) : err(error));
      if (this.state === 'open') this.ask('auth', encodeParts(token), { ok, err: refused });
      else ok(undefined);
    });
  }

  /** Why what is worth nothing later is not to be asked now; undefined when it may be. */
  get hindrance(): ProtocolError | undefined {
    const isFree = this.#spent + this.#outgoing.length / this.#limits.lines < SHARE;
    if (isFree && !this.#isOffline) return undefined;
    return new ProtocolError(isFree ? 'CONNECTION_LOST' : 'RATE_LIMITED', 'it does not wait');
  }

  get #limits(): typeof NO_LIMITS {
    return { ...NO_LIMITS, ...this.#welcome?.limits };
  }

  #flush(): void {
    let frame = '';
    while (this.#spent < SHARE && this.#outgoing.length > 0 && this.#held.length === 0) {
      const line = this.#leaving(this.#outgoing.shift()!);
      this.#spent += Math.max(1 / this.#limits.lines, line.length / this.#limits.bytes);
      frame += (frame && '\n') + line;
      if (frame.length > FRAME) {
        this.#socket.send(frame);
        frame = '';
      }
    }
    if (frame) this.#socket.send(frame);
    if (this.#spent > 0) this.#cancelTurn ??= this.#timers.after(1_000, () => this.#nextTurn());
  }

  #leaving(line: Line): string {
    line.isSent = true;
    line.due = this.#timers.now() + line.within!;
    return line.line;
  }

  /** What was too much for one second, the next has less. */
  #nextTurn(): void {
    this.#cancelTurn = undefined;
    this.#spent = Math.max(0, this.#spent - SHARE);
    this.#flush();
  }

  #socketChanged(state: SocketState): void {
    switch (state) {
      case 'connecting':
        this.#liveness.start();
        this.#hello = prepareHello(this.#options, this.#given);
        this.#listener.onState(state, undefined);
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
    this.#isOffline = true;
    this.#outgoing.length = this.#held.length = this.#spent = this.#lastId = 0;
    this.#cancelTurn?.();
    this.#cancelTurn = this.#welcome = undefined;
    this.#listener.onState(state, why);
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const { err, isSent } of requests) err(new ProtocolError('CONNECTION_LOST', UNKNOWN, isSent ? undefined : 0));
  }

  async #greet(): Promise<void> {
    const prepared = this.#hello;
    const hello = await prepared;
    if (!hello || prepared !== this.#hello || this.#socket.state !== 'open') return;
    this.#hello = undefined;
    if (!('error' in hello))
      this.ask('hi', encodeParts({ ...hello, resume: this.#ticket }), {
        ok: (welcome) => this.#welcomed((welcome ?? {}) as Welcome),
        err: (error) => this.#refused(error),
      });
    // Whoever would not log in is not asked again and again.
    else if (!this.#options.token) this.#end(hello.error);
    else {
      this.#listener.onError(hello.error);
      this.#socket.lose();
    }
  }

  #welcomed(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#ticket = welcome.ticket;
    this.#given = welcome.token ?? this.#given;
    this.#refusals = 0;
    this.#isOffline = false;
    if (welcome.ping > 0) this.#liveness.ping = welcome.ping;
    this.#listener.onState('open', undefined);
    for (const ask of [...this.#untilOpen.keys()]) ask();
  }

  #refused(error: ProtocolError): void {
    if (error.code === 'CONNECTION_LOST') return;
    // The token may have run out on the way, or the ticket: once is no refusal. A wrong password stays wrong.
    const again = error.code === 'UNAUTHORIZED' && (this.#options.token ?? this.#given) && this.#refusals++ === 0;
    this.#ticket = undefined;
    this.#given = undefined;
    if (again || !isFinal(error)) this.#socket.lose(error.retryAfter);
    else this.#end(error);
  }

  #end(why: Error): void {
    this.#why = why;
    this.close();
  }

  #askForLife(within: number): void {
    if (this.#socket.send('[]')) this.#socket.expectAnswer(within);
  }

  /** False until something comes after the welcome: a server that is well goes on from there. */
  #receive(frame: string): boolean {
    const wasOpen = this.state === 'open';
    this.#liveness.heard();
    for (const line of frame.split('\n')) {
      // What the last line made us do may have ended this connection: whatever else it said is void.
      if (this.#socket.state !== 'open') break;
      try {
        // Taken at its word: to check every part of it would make the SDK a tenth larger, and each message dearer.
        if (line) this.#handle(JSON.parse(line) as ServerMessage);
      } catch (error) {
        this.#listener.onError(new Error(`the server said ${line.slice(0, 80)}`, { cause: error }));
      }
    }
    return wasOpen;
  }

  #handle(message: ServerMessage): void {
    switch (message[0]) {
      case undefined:
        this.#socket.send('[1]');
        break;
      case 1:
        break;
      case 'ok':
        this.#take(message[1])?.ok(message[2]);
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
    const request = this.#requests.get(id);
    if (id === 0) this.#listener.onError(error);
    else if (error.code === 'UNAUTHORIZED' && this.#options.token && request?.isRenewed === false) {
      request.isRenewed = true;
      request.isSent = false;
      request.due = Infinity;
      if (this.#held.push(request) > 1) return;
      this.renew().then(
        () => this.#release(),
        () => this.#release(error),
      );
    } else this.#take(id)?.err(error);
  }

  /** There is a new token, or an error. */
  #release(error?: ProtocolError): void {
    const held = this.#held.splice(0);
    if (error) for (const { id } of held) this.#take(id)?.err(error);
    else this.#outgoing.unshift(...held);
    this.#flush();
  }

  #take(id: number): Request | undefined {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    return request;
  }

  #leave(code: string, after: number | undefined, ticket: string | undefined): void {
    const error = new ProtocolError(code, `the server ended it`, after);
    if (code === 'UNAUTHORIZED') this.#refused(error);
    // HI_FIRST: our token took too long to get.
    else if (after === undefined && code !== 'HI_FIRST') this.#end(error);
    else {
      if (ticket) this.#ticket = ticket;
      this.#socket.lose(after);
    }
  }
}

const UNKNOWN = 'no answer came: it may have been done';
export const CLOSED = new ProtocolError('CLOSED', 'it was closed here');
const REFUSED = new ProtocolError('FORBIDDEN', 'the server closed it with 1008');
