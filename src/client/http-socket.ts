import { Emitter } from './emitter.ts';
import type { NegotiatedSocket } from './session-options.ts';

/** Characters and lines of one request, unless a single frame has more. A server takes 1,000 lines at a time. */
const MOST = { characters: 16_384, lines: 1_000 };

/** RFC 6455 §7.4.1: a frame was larger than the server accepts; the connection was lost. */
const TOO_BIG = 1009;
const LOST = 1006;

interface SocketEvents {
  open: undefined;
  message: { data: unknown };
  close: { code: number };
}

/**
 * Looks like a WebSocket, and is made of requests: the response of the first one brings the server's frames as events,
 * and each further one takes ours. They leave one after the other, numbered, so that all arrive in order and once. When
 * one fails, the connection is lost, as a WebSocket's would be.
 */
export class HttpSocket implements NegotiatedSocket {
  protocol = '';
  readonly #emitter = new Emitter<SocketEvents>();
  readonly #fetch: typeof fetch;
  readonly #url: string;
  readonly #abort = new AbortController();
  #id: string | undefined;
  #frames: string[] = [];
  #number = 0;
  #isSending = false;
  /** The page closes it with this code, after what waits. */
  #closing: number | undefined;

  constructor(url: string, subprotocol: string, doFetch: typeof fetch) {
    this.#fetch = doFetch;
    this.#url = requestUrl(url);
    this.#listen(subprotocol).then(
      () => this.#end(LOST),
      () => this.#end(LOST),
    );
  }

  addEventListener(type: keyof SocketEvents, listener: (event: never) => void): void {
    this.#emitter.on(type, listener as (event: unknown) => void);
  }

  send(data: string): void {
    this.#frames.push(data);
    void this.#flush();
  }

  /** Without a code the connection counts as lost, and what waits is not sent. */
  close(code?: number): void {
    if (code === undefined || this.#id === undefined) this.#abort.abort();
    else {
      this.#closing = code;
      void this.#flush();
    }
  }

  async #listen(subprotocol: string): Promise<void> {
    const { body, headers, ok } = await this.#post('', { headers: { Accept: 'text/event-stream' } });
    // A server without sessions may answer with a page.
    if (!ok || !body || !/^text\/event-stream/.test(headers.get('content-type') ?? '')) return;
    const reader = body.getReader();
    const decoder = new TextDecoder();
    for (let rest = ''; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = events.pop()!;
      for (const event of events) this.#take(event, subprotocol);
    }
  }

  #take(event: string, subprotocol: string): void {
    if (this.#abort.signal.aborted) return;
    const valuesOf = (field: string) =>
      event
        .split('\n')
        .filter((line) => line.startsWith(field))
        .map((line) => line.slice(field.length))
        .join('\n');
    const data = valuesOf('data: ');
    switch (valuesOf('event: ')) {
      case 'open':
        this.#id = data;
        this.protocol = subprotocol;
        this.#emitter.emit('open', undefined);
        break;
      case 'close':
        this.#end(Number.parseInt(data, 10));
        break;
      default:
        if (data) this.#emitter.emit('message', { data });
    }
  }

  async #flush(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (!this.#abort.signal.aborted && (this.#frames.length > 0 || this.#closing !== undefined)) {
      const frames = this.#nextFrames();
      const isLast = this.#closing !== undefined && this.#frames.length === 0;
      const first = ['session', this.#id, ++this.#number, ...(isLast ? [this.#closing] : [])];
      const body = [JSON.stringify(first), ...frames].join('\n');
      try {
        // A page that is left may not cut off its last request; browsers allow that for 64 KiB.
        const { ok, status } = await this.#post(body, { keepalive: isLast && body.length < MOST.characters });
        if (!ok || isLast) this.#end(status === 413 ? TOO_BIG : LOST);
      } catch {
        this.#end(LOST);
      }
    }
    this.#isSending = false;
  }

  /** As many of those that wait as fit into one request. */
  #nextFrames(): string[] {
    let characters = 0;
    let lines = 0;
    const fits = (frame: string) => {
      characters += frame.length;
      lines += frame.split('\n').length;
      return characters <= MOST.characters && lines <= MOST.lines;
    };
    let count = 0;
    while (count < this.#frames.length && (fits(this.#frames[count]!) || count === 0)) count++;
    return this.#frames.splice(0, count);
  }

  #post(body: string, options: RequestInit): Promise<Response> {
    const { signal } = this.#abort;
    return this.#fetch(this.#url, {
      method: 'POST',
      body,
      credentials: 'include',
      cache: 'no-store',
      signal,
      ...options,
    });
  }

  #end(code: number): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#emitter.emit('close', { code });
  }
}

/**
 * The same address by HTTP. The member `zocalo` tells that it is such a request. All requests of one connection have the
 * same text there, so that what divides them among several servers can go by it; it is no secret.
 */
function requestUrl(url: string): string {
  const { href, search } = new URL(url, (globalThis as { location?: { href: string } }).location?.href);
  return `${href.replace(/^ws/, 'http')}${search ? '&' : '?'}zocalo=${Math.random().toString(36).slice(2)}`;
}
