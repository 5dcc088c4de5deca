import { Emitter } from './emitter.ts';
import { HttpSocket } from './http-socket.ts';
import { browserTimers, type Timers } from './reconnecting-socket.ts';
import type { NegotiatedSocket } from './session-options.ts';

type SocketClass = new (url: string, subprotocol: string) => NegotiatedSocket;

/** What it needs of `sessionStorage` or `localStorage`. */
export interface FallbackStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface FallbackOptions {
  /** Default: the platform's own; without any, requests are used at once. */
  WebSocket?: SocketClass;
  /** Default: the platform's own. */
  fetch?: typeof fetch;
  /** Attempts in a row that got nothing through a WebSocket, before requests are tried. Default 2. */
  failures?: number;
  /** Milliseconds for a WebSocket to open, since some networks swallow the attempt. Default 4,000. */
  within?: number;
  /** Milliseconds for which further connections begin with requests. Default 600,000: ten minutes. */
  remember?: number;
  /** Where it is remembered over a page load: `sessionStorage`, for example. Default: in memory only. */
  storage?: FallbackStorage;
  /** Default: the system's wall clock. */
  clock?: Timers;
}

interface SocketEvents {
  open: unknown;
  message: { data: unknown };
  close: { code: number };
}

const KEY = 'zocalo:fallback';
/** RFC 6455 §7.4.1: the connection was lost without a close frame. */
const LOST = 1006;

/**
 * For networks that block WebSockets: the same protocol by plain requests, of which one brings what the server sends as
 * events. Pass the result to clients as their option `WebSocket`; several may share it.
 *
 * A WebSocket is tried first. When nothing has come through it in `failures` attempts in a row, and requests to the same
 * address work, the connection consists of requests. For ten minutes, further connections begin so, unless that fails;
 * the next one after that tries a WebSocket once.
 *
 * @example
 * const client = new Client('wss://example.org', { WebSocket: withFallback({ storage: sessionStorage }) });
 */
export function withFallback(options: FallbackOptions = {}): SocketClass {
  const memory = new Memory(options);
  return class extends FallbackSocket {
    constructor(url: string, subprotocol: string) {
      super(url, subprotocol, memory, options);
    }
  };
}

/** What the sockets of one `withFallback` have learned. */
class Memory {
  /** Attempts in a row that got nothing through a WebSocket. */
  failures = 0;
  readonly clock: Timers;
  readonly #most: number;
  readonly #remember: number;
  readonly #storage: FallbackStorage | undefined;
  /** Until when connections begin with requests. */
  #until: number;

  constructor({ clock, failures = 2, remember = 600_000, storage }: FallbackOptions) {
    this.clock = clock ?? { ...browserTimers, now: () => Date.now() };
    this.#most = failures;
    this.#remember = remember;
    this.#storage = storage;
    this.#until = Number(quietly(() => storage?.getItem(KEY)) ?? 0);
  }

  get isBlocked(): boolean {
    return this.failures >= this.#most;
  }

  get prefersRequests(): boolean {
    const left = this.#until - this.clock.now();
    // A time that is too far away was stored before the clock was set back.
    return this.isBlocked || (left > 0 && left <= this.#remember);
  }

  requestsWork(): void {
    // While it is remembered no WebSocket is tried, so there is nothing new to remember: otherwise connections that last
    // less than that would put off the next try for ever.
    if (!this.isBlocked) return;
    // After that time one failure is enough, and requests follow at once.
    this.failures = this.#most - 1;
    this.#until = this.clock.now() + this.#remember;
    quietly(() => this.#storage?.setItem(KEY, String(this.#until)));
  }

  /** The network may be gone altogether, or has changed: everything is tried again. */
  requestsFail(): void {
    this.failures = this.#until = 0;
    quietly(() => this.#storage?.removeItem(KEY));
  }
}

/** One connection: a WebSocket, or one that is made of requests, or one after the other. */
class FallbackSocket implements NegotiatedSocket {
  readonly #emitter = new Emitter<SocketEvents>();
  readonly #url: string;
  readonly #subprotocol: string;
  readonly #memory: Memory;
  readonly #options: FallbackOptions;
  #socket: NegotiatedSocket | undefined;
  /** While nothing has come through a WebSocket: tells that nothing will. */
  #fail = (): void => {};

  constructor(url: string, subprotocol: string, memory: Memory, options: FallbackOptions) {
    this.#url = url;
    this.#subprotocol = subprotocol;
    this.#memory = memory;
    this.#options = options;
    const { WebSocket = globalThis.WebSocket as unknown as SocketClass | undefined } = options;
    if (!WebSocket || memory.prefersRequests) this.#useRequests();
    else this.#useWebSocket(WebSocket);
  }

  get protocol(): string {
    return this.#socket?.protocol ?? '';
  }

  addEventListener(type: keyof SocketEvents, listener: (event: never) => void): void {
    this.#emitter.on(type, listener as (event: unknown) => void);
  }

  send(data: string): void {
    this.#socket?.send(data);
  }

  close(code?: number, reason?: string): void {
    // Without a code the client has waited in vain. With one the page wants it, which says nothing about the network.
    if (code === undefined) this.#fail();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(code, reason);
  }

  #useWebSocket(WebSocket: SocketClass): void {
    const { within = 4_000 } = this.#options;
    const memory = this.#memory;
    const socket = new WebSocket(this.#url, this.#subprotocol);
    let isOpen = false;
    const cancel = memory.clock.after(within, () => lost(LOST));
    this.#fail = () => {
      this.#fail = () => {};
      cancel();
      memory.failures++;
    };
    const lost = (code: number) => {
      if (socket !== this.#socket) return;
      this.#fail();
      if (!isOpen && memory.isBlocked) this.#useRequests();
      else this.#end(code);
      socket.close();
    };
    this.#use(socket);
    socket.addEventListener('open', () => {
      isOpen = true;
      cancel();
    });
    socket.addEventListener('message', () => {
      memory.failures = 0;
      this.#fail = () => {};
    });
    socket.addEventListener('close', ({ code }) => lost(code));
    // Node 22 tells nothing else of a connection that was refused.
    (socket as Partial<EventTarget>).addEventListener?.('error', () => {
      if (!isOpen) lost(LOST);
    });
  }

  #useRequests(): void {
    const { fetch = (...request) => globalThis.fetch(...request) } = this.#options;
    const memory = this.#memory;
    const socket = new HttpSocket(this.#url, this.#subprotocol, fetch);
    this.#use(socket);
    socket.addEventListener('open', () => memory.requestsWork());
    socket.addEventListener('close', ({ code }: { code: number }) => {
      if (!socket.protocol) memory.requestsFail();
      if (socket === this.#socket) this.#end(code);
    });
  }

  #use(socket: NegotiatedSocket): void {
    this.#socket = socket;
    const forward = (type: 'open' | 'message') => (event: unknown) => {
      if (socket === this.#socket) this.#emitter.emit(type, event as SocketEvents['message']);
    };
    socket.addEventListener('open', forward('open') as () => void);
    socket.addEventListener('message', forward('message'));
  }

  #end(code: number): void {
    this.#socket = undefined;
    this.#emitter.emit('close', { code });
  }
}

/** A page may be refused its storage. */
function quietly<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
