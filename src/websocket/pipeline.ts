import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Requests of one connection that are handled at a time: as many as a sensible client pipelines, and few enough that
 * other connections are served in each turn of the event loop.
 */
const AT_ONCE = 16;

/** Node's HTTP server counts pending data per connection through this method, and stops reading above a limit. */
type Counting = ServerResponse & { _onPendingData?: (bytes: number) => void };

const pipeline = Symbol("the connection's pipeline");
type Piped = Socket & { [pipeline]?: Pipeline };

/** Hands requests to `handle`, at most AT_ONCE at a time per connection; TCP holds back a client that sends more. */
export function inPipelines(handle: Handler): Handler {
  return (request, response) => {
    const socket: Piped = request.socket;
    socket[pipeline] ??= new Pipeline(handle);
    socket[pipeline].take(request, response);
  };
}

/** The requests of one connection that arrived before earlier ones were answered. */
class Pipeline {
  readonly #handle: Handler;
  #running = 0;
  #waiting: [IncomingMessage, ServerResponse][] = [];
  #scheduled = false;
  #release = (): void => {};

  constructor(handle: Handler) {
    this.#handle = handle;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    if (this.#running < AT_ONCE && this.#waiting.length === 0) {
      this.#run(request, response);
      return;
    }
    if (this.#waiting.length === 0) this.#hold(request, response);
    this.#waiting.push([request, response]);
  }

  #run(request: IncomingMessage, response: ServerResponse): void {
    this.#running++;
    response.once('close', this.#onAnswered);
    this.#handle(request, response);
  }

  readonly #onAnswered = (): void => {
    this.#running--;
    if (this.#waiting.length === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#next);
  };

  readonly #next = (): void => {
    this.#scheduled = false;
    if (this.#waiting[0]?.[0].socket.destroyed) this.#waiting = [];
    for (const [request, response] of this.#waiting.splice(0, AT_ONCE - this.#running)) this.#run(request, response);
    if (this.#waiting.length > 0) return;
    this.#release();
    this.#release = () => {};
  };

  /** Reports more pending data than the connection may hold, so that Node stops reading until `#release`. */
  #hold({ socket }: IncomingMessage, response: Counting): void {
    const bytes = socket.writableHighWaterMark + 1;
    const count = response._onPendingData;
    if (count === undefined) return;
    count(bytes);
    this.#release = () => count(-bytes);
  }
}
