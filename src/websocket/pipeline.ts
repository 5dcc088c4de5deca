import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Requests of one connection that are answered at a time: what a client that pipelines with sense sends ahead, and
 * few enough that in each turn of the loop everybody else comes to be heard.
 */
const AT_ONCE = 16;

/** How Node's HTTP server counts what waits for a connection, and reads no further when it is too much. */
type Counting = ServerResponse & { _onPendingData?: (bytes: number) => void };

const pipeline = Symbol("the connection's pipeline");
type Piped = Socket & { [pipeline]?: Pipeline };

/** Hands requests to `handle`, of each connection AT_ONCE at a time; a client that sends more is held back by TCP. */
export function inPipelines(handle: Handler): Handler {
  return (request, response) => {
    const socket: Piped = request.socket;
    socket[pipeline] ??= new Pipeline(handle);
    socket[pipeline].take(request, response);
  };
}

/** The requests of one connection that came before the earlier ones were answered. */
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

  /** Counts more than the connection may hold, until `#release`: Node then reads no further. */
  #hold({ socket }: IncomingMessage, response: Counting): void {
    const bytes = socket.writableHighWaterMark + 1;
    const count = response._onPendingData;
    if (count === undefined) return;
    count(bytes);
    this.#release = () => count(-bytes);
  }
}
