import { type Hello, ProtocolError, type ServerMessage, SUBPROTOCOL, type Welcome } from '../protocol/index.ts';
import { askToken, prepareHello } from './credentials.ts';
import { encodeParts } from './json.ts';
import { Liveness } from './liveness.ts';
import { pauseBefore, ReconnectingSocket, type SocketState, type Timers } from './reconnecting-socket.ts';
import type { Answer, Asking, Line, Request } from './requests.ts';
import { isPassing } from './retry.ts';
import type { NegotiatedSocket, SessionListener, SessionOptions } from './session-options.ts';

/** Milliseconds for the server's answer before the connection counts as lost: a log may wait for its disk. */
const ANSWER_WITHIN = 10_000;
/** Characters in a frame after which a new frame is started, so that many small lines stay under any limit. */
const FRAME = 16_384;
/** The share used of the server's rate, since `hi` and keepalive lines count too. A burst may have twice the rate. */
const SHARE = 0.9;
const NO_LIMITS = { lines: Infinity, bytes: Infinity };

/** `hi` was refused for good: repeating it would fail again. INTERNAL is treated as transient. */
const isFinal = (error: ProtocolError) => !isPassing(error) && error.code !== 'INTERNAL';

/**
 * A connection that logs in, checks that it is alive, reconnects and renews its token. Lines are sent only to a server
 * that has accepted the login. The listener must repeat what it needs after each login.
 */
export class Session {
  readonly #timers: Timers;
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #socket: ReconnectingSocket;
  readonly #liveness: Liveness;
  /** Requests on this connection without an answer, by number. */
  readonly #requests = new Map<number, Request>();
  #lastId = 0;
  /**
   * Requests refused for an expired token, to be repeated with a new one. Until then nothing is sent, nor overtakes
   * them.
   */
  readonly #held: Request[] = [];
  /** Requests for after the next login, and how to reject them if there will be none. */
  readonly #untilOpen = new Map<() => void, (error: Error) => void>();
  /** The contents of the next `hi`, or the error of fetching them. */
  #hello: Promise<Hello | { error: Error }> | undefined;
  /** A token from the last login, used in the next `hi` instead of the password. */
  #given: string | undefined;
  #renewal: Promise<void> | undefined;
  #refusals = 0;
  #welcome: Welcome | undefined;
  #ticket: string | undefined;
  /** There was a connection or an attempt, and there is none now. */
  #isOffline = false;
  readonly #outgoing: Line[] = [];
  /** The share of one second's limits that was used: by lines or by bytes, whichever is more. */
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

  /** The close code with which the other side closed the last connection. */
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

  /** Queues a line for the end of this tick, at the rate that the server allows. Only while open. */
  send(line: Line): void {
    if (this.#outgoing.push(line) === 1) queueMicrotask(() => this.#flush());
  }

  /** Sends a request once, with parts from `encodeParts`. If lost, it fails with CONNECTION_LOST. Only while open. */
  ask(verb: string, parts: string, answer: Answer, within = ANSWER_WITHIN): number {
    // 2³¹ − 1 requests on one connection are never reached.
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
   * Sends a request as soon as there is a connection. Rejects with the server's code, or with TIMEOUT after `timeout`
   * milliseconds. After a loss it is sent again with `repeat`, and otherwise fails with CONNECTION_LOST.
   */
  request(verb: string, parts: string, { repeat, timeout = 10_000 }: Asking = {}): Promise<unknown> {
    let cancel = () => {};
    const answer = new Promise<unknown>((resolve, reject) => {
      let id = 0;
      const ask = () => {
        this.#untilOpen.delete(ask);
        // A late answer says nothing about the connection: a method may take as long as it likes.
        id = this.ask(verb, parts, { ok: resolve, err: refused }, Infinity);
      };
      const askWhenOpen = () => (this.state === 'open' ? ask() : this.#untilOpen.set(ask, reject));
      const refused = (error: ProtocolError) => {
        // A `retryAfter` of 0 means that it was not sent.
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

  /** Repeats a refused action later: when the server said, plus a random pause. Returns a function that cancels it. */
  retry({ retryAfter = 0 }: ProtocolError, failures: number, action: () => void): () => void {
    return this.#timers.after(retryAfter + pauseBefore(failures, this.#options.random(), 500, 15_000), action);
  }

  /** Fetches a new token and sends it to the server. Rejects when there is none, or it is refused. */
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
      // The next connection starts with a new token anyway.
      const refused = (error: ProtocolError) => (error.code === 'CONNECTION_LOST' ? ok(undefined) : err(error));
      if (this.state === 'open') this.ask('auth', encodeParts(token), { ok, err: refused });
      else ok(undefined);
    });
  }

  /** Why a request that is useless later must not be sent now; undefined when it may be. */
  get hindrance(): ProtocolError | undefined {
    const isFree = this.#spent + this.#outgoing.length / this.#limits.lines < SHARE;
    if (isFree && !this.#isOffline) return undefined;
    return new ProtocolError(isFree ? 'CONNECTION_LOST' : 'RATE_LIMITED', 'it may not wait');
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

  /** What exceeded one second's limit is deducted from the next. */
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
        // Without the protocol, the server would take our lines for messages.
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

  /** Listeners run when the loss is complete: nothing can be sent any more. */
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
    // A user who cancelled the login is not asked again.
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
    // A token or ticket may have expired on the way, so the first refusal is not final. A wrong password stays wrong.
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

  /** False until something arrives after the login: only then the server is known to work. */
  #receive(frame: string): boolean {
    const wasOpen = this.state === 'open';
    this.#liveness.heard();
    for (const line of frame.split('\n')) {
      // Handling the last line may have ended this connection; the rest of the frame is then ignored.
      if (this.#socket.state !== 'open') break;
      try {
        // Not validated: checks of every part would make the SDK a tenth larger, and each message slower.
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
        this.#answerError(message[1], new ProtocolError(message[2], message[3], message[4] ?? undefined, message[5]));
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

  /** A new token has been sent, or there was an error. */
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
    // HI_FIRST: fetching our token took too long.
    else if (after === undefined && code !== 'HI_FIRST') this.#end(error);
    else {
      if (ticket) this.#ticket = ticket;
      this.#socket.lose(after);
    }
  }
}

const UNKNOWN = 'no answer: it may have been done';
export const CLOSED = new ProtocolError('CLOSED', 'closed here');
const REFUSED = new ProtocolError('FORBIDDEN', 'the server closed with 1008');
