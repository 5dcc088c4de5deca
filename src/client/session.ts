import { type Hello, ProtocolError, type ServerMessage, SUBPROTOCOL, type Welcome } from '../protocol/index.ts';
import type { Credentials } from './credentials.ts';
import { encodeParts } from './json.ts';
import { Liveness } from './liveness.ts';
import { PacedLines } from './paced-lines.ts';
import { pauseBefore, ReconnectingSocket, type SocketState, type Timers } from './reconnecting-socket.ts';
import type { Answer, Asking, Line, Request } from './requests.ts';
import { isPassing } from './retry.ts';
import type { NegotiatedSocket, SessionListener, SessionOptions } from './session-options.ts';

/** Milliseconds for the server's answer before the connection counts as lost: a log may wait for its disk. */
const ANSWER_WITHIN = 10_000;

/** `hi` was refused for good: repeating it would fail again. INTERNAL is treated as transient. */
const isFinal = (error: ProtocolError) => !isPassing(error) && error.code !== 'INTERNAL';

/**
 * A connection that logs in, checks that it is alive, reconnects and renews its token. Lines are sent only to a server
 * that has accepted the login. The listener must repeat what it needs after each login.
 */
export class Session {
  readonly socket: ReconnectingSocket;
  /** The server's answer to the login of this connection. Set by the session alone, like `why`. */
  welcome: Welcome | undefined;
  /** Why there is no connection: while waiting for the next attempt, or closed other than by us. */
  why: Error | undefined;
  readonly #timers: Timers;
  readonly #options: SessionOptions;
  readonly #listener: SessionListener;
  readonly #liveness: Liveness;
  /** Requests on this connection without an answer, by number. */
  readonly #requests = new Map<number, Request>();
  #lastId = 0;
  /** Requests for after the next login. They reject if there will be none. */
  readonly #untilOpen = new Set<() => void>();
  /** The contents of the next `hi`, or the error of fetching them. */
  #hello: Promise<Hello | { error: Error }> | undefined;
  /** A token from the last login, used in the next `hi` instead of the password. */
  #given: string | undefined;
  #credentials: Credentials | undefined;
  #refusals = 0;
  #ticket: string | undefined;
  /** There was a connection or an attempt, and there is none now. */
  isOffline = false;
  readonly lines: PacedLines;
  #plain: NegotiatedSocket | undefined;

  constructor(options: SessionOptions, listener: SessionListener) {
    const { clock: timers, random, network, url, WebSocket } = options;
    this.#options = options;
    this.#listener = listener;
    this.#timers = timers;
    this.lines = new PacedLines(timers, (frame) => this.#send(frame));
    this.socket = new ReconnectingSocket({
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
      ask: (within) => this.#send('[]') && this.socket.expectAnswer(within),
      wake: () => this.socket.retryNow(),
      onPulse: (now) => [...this.#requests.values()].some(({ due }) => due <= now) && this.socket.lose(),
    });
  }

  get state(): SocketState {
    const { state } = this.socket;
    return state === 'open' && !this.welcome ? 'connecting' : state;
  }

  open(): void {
    this.isOffline = false;
    this.socket.open();
  }

  /** `why`: unless we want it. */
  close(why?: Error): void {
    this.why = why;
    this.lines.flush();
    this.#ticket = this.#given = undefined;
    this.socket.close();
  }

  /** Queues a line for the end of this tick, at the rate that the server allows. Only while open. */
  send(line: Line): void {
    this.lines.add(line);
  }

  /** Sends a request once, with parts from `encodeParts`. If lost, it fails with CONNECTION_LOST. Only while open. */
  ask(verb: string, parts: string, answer: Answer, within = ANSWER_WITHIN): number {
    // 2³¹ − 1 requests of one page are never reached.
    const id = ++this.#lastId;
    const isRenewed = /hi|auth/.test(verb);
    const request = {
      id,
      line: `["${verb}",${id},${parts}`,
      within,
      due: Infinity,
      isRenewed,
      ...answer,
    };
    this.#requests.set(id, request);
    if (isRenewed) this.#send(this.lines.leaving(request));
    else this.send(request);
    return id;
  }

  /**
   * Sends a request as soon as there is a connection. Rejects with the server's code, or with TIMEOUT after `timeout`
   * milliseconds; 0 and Infinity are no limit. After a loss it is sent again with `repeat`, and otherwise fails with CONNECTION_LOST.
   */
  request(verb: string, parts: string, { repeat, timeout = 10_000, begun }: Asking = {}): Promise<unknown> {
    let cancel = () => {};
    const answer = new Promise<unknown>((resolve, reject) => {
      let id = 0;
      const ask = () => {
        // A late answer says nothing about the connection: a method may take longer than any connection lasts.
        if (this.state === 'open') id = this.ask(verb, parts, { ok: resolve, err: reject, lost }, 1e15);
        else if (this.state === 'closed') reject(this.why ?? CLOSED);
        else this.#untilOpen.add(ask);
      };
      const lost = (error: ProtocolError) => (repeat || error.retryAfter === 0 ? ask() : reject(error));
      const giveUp = (error: unknown) => {
        this.#untilOpen.delete(ask);
        this.#requests.delete(id);
        reject(error);
      };
      ask();
      if (timeout) cancel = this.#timers.after(timeout, () => giveUp(new ProtocolError('TIMEOUT', UNKNOWN)));
      begun?.(giveUp);
    });
    return answer.finally(() => cancel());
  }

  /** Repeats a refused action later: when the server said, plus a random pause. Returns a function that cancels it. */
  retry({ retryAfter = 0 }: ProtocolError, failures: number, action: () => void): () => void {
    return this.#timers.after(retryAfter + pauseBefore(failures, this.#options.random()), action);
  }

  /** Fetches a new token and sends it to the server. Rejects when there is none, or it is refused. */
  async renew(): Promise<void> {
    const { credentials } = await this.#load();
    return credentials.renew();
  }

  async #load() {
    const { Credentials, prepareHello } = await import('./credentials.ts');
    const { onError } = this.#listener;
    this.#credentials ??= new Credentials(this, this.#options, this.lines, onError, ProtocolError);
    return { credentials: this.#credentials, prepareHello };
  }

  /** The contents of the next `hi`. Never rejects. */
  async #prepare(): Promise<Hello | { error: Error }> {
    const { token, login } = this.#options;
    try {
      if (token || login) return await (await this.#load()).prepareHello(this.#options, this.#given);
      return { token: this.#given } as Hello; // JSON leaves out what is undefined
    } catch (error) {
      return { error: error as Error };
    }
  }

  /** False when there is no connection. */
  #send(frame: string): boolean {
    const isSent = this.socket.send(frame);
    if (isSent) this.#options.debug?.(`> ${frame}`);
    return isSent;
  }

  #socketChanged(state: SocketState): void {
    switch (state) {
      case 'connecting':
        this.why = undefined;
        this.#liveness.start();
        this.#hello = this.#prepare();
        this.#listener.onState(state);
        break;
      case 'open':
        // Without the protocol, the server would take our lines for messages.
        if (this.#plain?.protocol === SUBPROTOCOL) this.#greet();
        else this.close(new ProtocolError('NOT_OFFERED', `${this.#options.url} does not speak ${SUBPROTOCOL}`));
        break;
      case 'waiting':
        this.why ??= this.#lossOf('CONNECTION_LOST');
        this.#lost(state);
        break;
      case 'closed':
        this.#liveness.stop();
        if (this.socket.closeCode !== undefined) this.why = this.#lossOf('FORBIDDEN');
        this.#lost(state);
        this.#askAll();
    }
  }

  /** What a page may know of it: the browser keeps to itself why a connection failed. */
  #lossOf(code: string): ProtocolError {
    const what = this.#plain?.protocol ? 'was closed' : 'did not open';
    return new ProtocolError(code, `${this.#options.url} ${what}: ${this.socket.closeCode}`);
  }

  /** Listeners run when the loss is complete: nothing can be sent any more. */
  #lost(state: SocketState): void {
    this.isOffline = true;
    this.lines.clear();
    this.#credentials?.stop();
    this.welcome = undefined;
    this.#listener.onState(state);
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const { err, lost = err, due } of requests)
      lost(new ProtocolError('CONNECTION_LOST', UNKNOWN, due < Infinity ? undefined : 0));
  }

  async #greet(): Promise<void> {
    const prepared = this.#hello;
    const hello = await prepared;
    if (!hello || prepared !== this.#hello || this.socket.state !== 'open') return;
    this.#hello = undefined;
    if (!('error' in hello))
      this.ask('hi', encodeParts({ ...hello, resume: this.#ticket }), {
        ok: (welcome) => this.#welcomed((welcome ?? {}) as Welcome),
        err: (error) => this.#refused(error),
        lost() {},
      });
    // A user who cancelled the login is not asked again.
    else if (!this.#options.token) this.close(hello.error);
    else {
      this.#listener.onError(hello.error);
      this.#lose(hello.error);
    }
  }

  #welcomed(welcome: Welcome): void {
    this.welcome = welcome;
    this.lines.allow(welcome.limits);
    this.#ticket = welcome.ticket;
    this.#given = welcome.token ?? this.#given;
    this.#refusals = 0;
    this.isOffline = false;
    if (welcome.ping > 0) this.#liveness.ping = welcome.ping;
    this.#credentials?.renewBefore(welcome.expiresIn);
    this.#listener.onState('open');
    this.#askAll();
  }

  #askAll(): void {
    const asking = [...this.#untilOpen];
    this.#untilOpen.clear();
    for (const ask of asking) ask();
  }

  #refused(error: ProtocolError): void {
    // A token or ticket may have expired on the way, so the first refusal is not final. A wrong password stays wrong.
    const again = error.code === 'UNAUTHORIZED' && (this.#options.token ?? this.#given) && this.#refusals++ === 0;
    this.#ticket = this.#given = undefined;
    if (again || !isFinal(error)) this.#lose(error);
    else this.close(error);
  }

  #lose(why: Error & { retryAfter?: number | undefined }): void {
    this.why = why;
    this.socket.lose(why.retryAfter);
  }

  /** False until something arrives after the login: only then the server is known to work. */
  #receive(frame: string): boolean {
    const wasOpen = this.state === 'open';
    this.#options.debug?.(`< ${frame}`);
    this.#liveness.heard();
    for (const line of frame.split('\n')) {
      // Handling the last line may have ended this connection; the rest of the frame is then ignored.
      if (this.socket.state !== 'open') break;
      try {
        // Not validated: checks of every part would make the SDK a tenth larger, and each message slower.
        if (line) this.#handle(this.#options.bytes.parse(line) as ServerMessage);
      } catch (error) {
        this.#listener.onError(new Error(`the server said ${line.slice(0, 80)}`, { cause: error }));
      }
    }
    return wasOpen;
  }

  #handle(message: ServerMessage): void {
    switch (message[0]) {
      case undefined:
        this.#send('[1]');
        break;
      case 'ok':
        this.take(message[1])?.ok(message[2]);
        break;
      case 'err':
        this.#answerError(
          message[1],
          new ProtocolError(...(message.slice(2) as unknown as ConstructorParameters<typeof ProtocolError>)),
        );
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
    else if (error.code !== 'UNAUTHORIZED' || !request || !this.#credentials?.hold(request, error))
      this.take(id)?.err(error);
  }

  /** The request with this number, which gets its answer now. */
  take(id: number): Request | undefined {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    return request;
  }

  #leave(code: string, after: number | undefined, ticket: string | undefined): void {
    const error = new ProtocolError(code, `the server ended it`, after);
    // HI_FIRST: fetching our token took too long. UNAUTHORIZED: what let us in has expired; there may be a new one, a
    // cookie for example, and the next `hi` will tell.
    if (after === undefined && !/HI_FIRST|UNAUTHORIZED/.test(code)) this.close(error);
    else {
      if (ticket) this.#ticket = ticket;
      this.#lose(error);
    }
  }
}

const UNKNOWN = 'no answer: it may have been done';
export const CLOSED = new ProtocolError('CLOSED', 'closed here');
