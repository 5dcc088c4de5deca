import {
  type ClientMessage,
  type Decoded,
  decodeFromClient,
  encode,
  type JsonText,
  ProtocolError,
} from '../../protocol/index.ts';
import type { Connection, RequestHandler } from '../connections/connection.ts';
import type { HubContext } from '../connections/context.ts';
import { handle } from './handle.ts';

/**
 * Never refused for the rate: `more` has no answer, so a client whose credit was lost would wait for ever, what `un` ends
 * would continue, and who has asked the client would wait for an answer that was refused.
 */
const ALWAYS_TAKEN: ReadonlySet<unknown> = new Set<ClientMessage[0]>(['more', 'un', 'ok', 'err']);
/** Lines that are no requests, although they begin with a number. */
const UNNUMBERED: ReadonlySet<unknown> = new Set<ClientMessage[0]>(['more', 'ok', 'err']);

/**
 * Handles the lines of one client in order: `hi`, `sub`, `set` and a pending permission delay the lines behind them; the log
 * and the calls do not.
 */
export class Requests implements RequestHandler {
  readonly #context: HubContext;
  readonly #connection: Connection;
  /** Lines behind one that delays them; null if there is none. */
  #waiting: ClientMessage<JsonText>[] | null = null;

  constructor(context: HubContext, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
  }

  receive(frame: string): void {
    this.#context.trace?.('in', frame, this.#connection);
    this.#accept(decodeFromClient(frame), this.#connection.pace.takeBytes(Buffer.byteLength(frame)));
  }

  ask(message: ClientMessage<JsonText>): void {
    this.#context.trace?.('in', encode(message), this.#connection);
    this.#accept([{ message }], 0);
  }

  #accept(lines: readonly Decoded<ClientMessage<JsonText>>[], bytesPause: number): void {
    const connection = this.#connection;
    const { pace } = connection;
    this.#context.observers.tell('onReceived', connection, lines.length);
    for (const { message, fault } of lines) {
      if (connection.isDone) return;
      const pause = Math.max(bytesPause, pace.takeLine());
      if (fault) connection.refuse(fault.id, new ProtocolError(fault.code, fault.message));
      else if (pause === 0 || ALWAYS_TAKEN.has(message[0])) this.#take(message);
      else
        connection.refuse(
          idOf(message),
          new ProtocolError('RATE_LIMITED', bytesPause ? 'too many bytes' : 'too many requests', pause),
        );
      if (pause > 0 && pace.isUnheeded) connection.countError();
    }
  }

  #take(message: ClientMessage<JsonText>): void {
    // A ping does not wait: a late answer would look like a dead connection.
    if (this.#waiting === null || message.length === 0) {
      const held = this.#handle(message);
      if (held) void this.#holdUp(held);
    } else if (this.#waiting.length < this.#context.limits.waiting) this.#waiting.push(message);
    else this.#connection.end('RATE_LIMITED', 'too many requests are waiting');
  }

  async #holdUp(held: Promise<void>): Promise<void> {
    const waiting: ClientMessage<JsonText>[] = [];
    this.#waiting = waiting;
    await held;
    for (let next = waiting.shift(); next !== undefined && !this.#connection.isDone; next = waiting.shift())
      await this.#handle(next);
    this.#waiting = null;
  }

  /** Returns a promise, which never rejects, if the lines behind this one have to wait. */
  #handle(message: ClientMessage<JsonText>): Promise<void> | undefined {
    const fail = (error: unknown) => this.#connection.refuse(idOf(message), error, channelOf(message));
    try {
      return handle(this.#context, this.#connection, message)?.catch(fail);
    } catch (error) {
      fail(error);
      return undefined;
    }
  }
}

/** The channel or pattern of a request. */
function channelOf(message: ClientMessage<JsonText>): string | undefined {
  const [verb, , first, second] = message;
  if (verb === 'sub' || verb === 'un' || verb === 'set' || verb === 'pub') return first as string;
  return verb === 'get' ? (second as string) : undefined;
}

/** The request's number; 0 if it is not a request. */
function idOf(message: ClientMessage<JsonText>): number {
  return typeof message[1] === 'number' && !UNNUMBERED.has(message[0]) ? message[1] : 0;
}
