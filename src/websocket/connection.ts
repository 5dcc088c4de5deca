import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ZocaloError } from '../errors.ts';
import { isThenable } from '../thenable.ts';
import type { QueueVerdict } from './backpressure.ts';
import type { ConnectionContext } from './connection-context.ts';
import { CLOSE, MAX_REASON, mayBeSent } from './core/close-codes.ts';
import type { Payload } from './core/frame-writer.ts';
import { MessageReader, type MessageSink } from './core/message-reader.ts';
import { FIN, OPCODE } from './core/opcodes.ts';
import { decodeText } from './core/text.ts';
import { WireError } from './core/wire-error.ts';
import type { MessageDeflate } from './deflate.ts';
import { untilDue, type Vitals, whatIsDue } from './heartbeat.ts';
import { Outgoing } from './outgoing.ts';
import { type PieceTaker, readPieces } from './read-buffer.ts';
import type { Timed } from './timer-wheel.ts';

export type Role = 'client' | 'server';

/** A text message is a string. A binary message is a Buffer that the receiver may keep. */
export type Message = string | Buffer;

/** Receives the events of a connection. */
export interface ConnectionEvents {
  onMessage(message: Message): void;
  /** Once, when the closing handshake is done or the connection is lost. `error`: the cause, if something failed. */
  onClosed(code: number, reason: string, error: ZocaloError | null): void;
  /** Once, after that, when the socket is closed too. */
  onGone(): void;
  /** The queue is over its limit. `message` is absent when it goes to many. */
  onQueueFull(message: Payload | undefined): QueueVerdict;
}

/** The states of a connection. It only moves down this list. */
const STATE = {
  OPEN: 0,
  /** We sent a close frame and wait for the peer's. */
  CLOSING: 1,
  /** Both close frames are exchanged, or it failed: no message is sent or received, and the socket is closing. */
  ENDED: 2,
} as const;

/** Milliseconds that a peer has at most to read why it was cut off; meanwhile its queue holds memory. */
const FAILED_TIMEOUT = 5_000;

/** One WebSocket connection, in either role: connects the pure reader and writer to a socket, a queue and a clock. */
export class Connection extends Outgoing implements MessageSink, PieceTaker, Timed {
  slot: Set<Timed> | null = null;
  due = 0;

  readonly #socket: Duplex;
  readonly #events: ConnectionEvents;
  readonly #reader: MessageReader;
  #state: (typeof STATE)[keyof typeof STATE] = STATE.OPEN;
  #told = false;
  #failed = false;
  #pauses = 0;
  // In ticks of the wheel.
  #heardAt: number;
  #messageAt: number;
  #pingedAt = -1;
  #controlFrames = 0;
  #controlSecond = 0;

  constructor(
    socket: Duplex,
    role: Role,
    events: ConnectionEvents,
    context: ConnectionContext,
    deflate: MessageDeflate | null,
  ) {
    super(socket, role === 'client', context, deflate);
    this.#socket = socket;
    this.#events = events;
    this.#reader = new MessageReader(this, context.limits, { masked: !this.masks, compression: deflate !== null });
    this.#heardAt = context.wheel.now;
    this.#messageAt = context.wheel.now;
  }

  /** Starts to read; `head` holds the bytes that came in the same packet as the handshake. */
  start(head: Buffer): void {
    const socket = this.#socket;
    (socket as Owned)[owner] = this;
    socket.on('error', onSocketError);
    socket.on('end', onSocketEnd);
    socket.on('close', onSocketClose);
    const first = untilDue(this.#vitals, this.context.wheel, this.context.limits);
    // onConnect may have closed it already.
    if (first > 0 && this.#state === STATE.OPEN) this.context.wheel.schedule(this, first);
    // A copy, since the reader unmasks in place.
    if (head.length > 0) this.takePiece(Buffer.from(head), head.length);
    readPieces(socket, this);
  }

  override get isOpen(): boolean {
    return this.#state === STATE.OPEN;
  }

  get bytesReceived(): number {
    return (this.#socket as Partial<Socket>).bytesRead ?? 0;
  }

  get bytesSent(): number {
    return (this.#socket as Partial<Socket>).bytesWritten ?? 0;
  }

  protected override mayExceed(message: Payload | undefined): boolean {
    const verdict = this.#events.onQueueFull(message);
    if (this.#state !== STATE.OPEN) return false;
    if (verdict === 'close') {
      const happened = `${this.backlog.size} bytes are queued for a peer that reads too slowly`;
      this.#fail(new WireError('QUEUE_FULL', happened), true);
    }
    return verdict === 'queue';
  }

  // ——— receiving

  takePiece(piece: Buffer, length: number): void {
    if (this.#state === STATE.ENDED) return;
    const { flushQueue, wheel } = this.context;
    this.#heardAt = wheel.now;
    this.#pingedAt = -1;
    // A hook may make another connection receive (a client in the same process); only the outer one is corked.
    const corks = flushQueue.corked === null;
    if (corks) flushQueue.corked = this;
    try {
      this.#reader.push(piece, length);
    } catch (error) {
      // A client's messages are read through promises; its replies to those before the error still go out.
      if (this.masks) flushQueue.atEnd(() => this.#fail(error));
      else this.#fail(error);
    }
    if (!corks) return;
    if (flushQueue.used > 0) flushQueue.release(this.backlog.write(flushQueue.gathered()));
    flushQueue.corked = null;
    if (this.backlog.isWaiting) this.backlog.flush();
  }

  onText(text: string): void {
    this.#messageAt = this.#heardAt;
    if (this.#state === STATE.OPEN) this.#events.onMessage(text);
  }

  onBinary(bytes: Buffer): void {
    this.#messageAt = this.#heardAt;
    if (this.#state === STATE.OPEN) this.#events.onMessage(bytes);
  }

  onCompressed(bytes: Buffer, isText: boolean): void {
    if (this.#state !== STATE.OPEN) return;
    const whole = this.deflate!.inflate(bytes, this.context.limits.maxMessage);
    if (!isThenable(whole)) {
      this.#onInflated(whole, isText);
      return;
    }
    this.pause();
    whole
      .then((inflated) => {
        this.#onInflated(inflated, isText);
        this.resume();
      })
      .catch((error) => this.#fail(error));
  }

  #onInflated(whole: Buffer, isText: boolean): void {
    if (isText) this.onText(decodeText(whole));
    else this.onBinary(whole);
  }

  /** No message is delivered until `resume` is called as often; TCP holds the peer back. */
  pause(): void {
    if (++this.#pauses > 1) return;
    this.#reader.pause();
    this.#socket.pause();
  }

  resume(): void {
    if (this.#pauses === 0 || --this.#pauses > 0) return;
    try {
      this.#reader.resume();
    } catch (error) {
      this.#fail(error);
    }
    if (this.#pauses === 0) this.#socket.resume();
  }

  onPing(bytes: Buffer): void {
    this.#countControlFrame();
    this.sendControl(OPCODE.PONG, bytes, bytes.length);
  }

  onPong(): void {
    this.#countControlFrame();
  }

  #countControlFrame(): void {
    const { wheel, limits } = this.context;
    const second = Math.floor(wheel.time / 1000);
    if (second !== this.#controlSecond) {
      this.#controlSecond = second;
      this.#controlFrames = 0;
    }
    if (++this.#controlFrames <= limits.maxControlFrames) return;
    const happened = `over ${limits.maxControlFrames} pings and pongs within a second`;
    throw new WireError('TOO_MANY_CONTROL_FRAMES', happened);
  }

  // ——— closing (RFC 6455 §7)

  /**
   * Starts the closing handshake; what was sent before still arrives.
   * @throws ZocaloError BAD_OPTION for a code that may not be sent, or a reason over 123 bytes.
   */
  close(code: number = CLOSE.NORMAL, reason = ''): void {
    if (!mayBeSent(code))
      throw new ZocaloError('BAD_OPTION', `a connection cannot be closed with code ${code}`, {
        advice: 'use 1000–1003, 1007–1014, or 3000–4999',
      });
    if (Buffer.byteLength(reason) > MAX_REASON)
      throw new ZocaloError('BAD_OPTION', 'the reason for a close is too long', { advice: 'use 123 bytes at most' });
    if (this.#state !== STATE.OPEN) return;
    this.#putClose(code, reason);
    this.#state = STATE.CLOSING;
    this.backlog.finish();
    this.flush();
    this.context.wheel.schedule(this, this.context.limits.closeTimeout);
    // A paused reader would never see the peer's close frame.
    if (this.#pauses > 0) {
      this.#pauses = 1;
      this.resume();
    }
  }

  /** Cuts the connection off, without a close frame. */
  terminate(): void {
    this.#lost('it was terminated');
    this.#socket.destroy();
  }

  onCloseFrame(code: number, reason: string): void {
    if (this.#state === STATE.OPEN) this.#putClose(code, '');
    this.#end(code, reason, null);
  }

  #putClose(code: number, reason: string): void {
    const payload = Buffer.allocUnsafe(code === CLOSE.NO_STATUS ? 0 : 2 + Buffer.byteLength(reason));
    if (payload.length > 0) {
      payload.writeUInt16BE(code, 0);
      payload.write(reason, 2);
    }
    this.put(FIN | OPCODE.CLOSE, payload, payload.length);
  }

  /**
   * Ends the connection after an error, and tells the peer why (RFC 6455 §7.1.7). `later`: the error happened inside
   * `send`, whose caller does not expect a hook to run before it returns.
   */
  #fail(error: unknown, later = false): void {
    if (this.#state === STATE.ENDED) return;
    const wire =
      error instanceof WireError ? error : new WireError('UNEXPECTED', (error as Error)?.message ?? String(error));
    this.#reader.stop();
    if (this.#state === STATE.OPEN) this.#putClose(wire.closeCode, wire.brief);
    this.#end(wire.closeCode, wire.brief, wire, later);
  }

  /** No message is sent or received from here on; closes the socket, after what was sent has had time to arrive. */
  #end(code: number, reason: string, error: ZocaloError | null, later = false): void {
    this.#state = STATE.ENDED;
    this.#failed = error !== null;
    this.backlog.finish();
    this.flush();
    // The server ends first; a client waits for that (RFC 6455 §7.1.1), unless there was an error.
    if (!this.masks || error) this.backlog.end();
    if (this.#pauses > 0) this.#socket.resume();
    this.context.wheel.schedule(this, this.#patience);
    if (later) queueMicrotask(() => this.#tell(code, reason, error));
    else this.#tell(code, reason, error);
  }

  /** The connection ended without its closing handshake. */
  #lost(reason: string): void {
    if (this.#state === STATE.ENDED) return;
    this.#state = STATE.ENDED;
    this.#failed = true;
    this.#reader.stop();
    this.backlog.clear();
    this.context.wheel.schedule(this, this.#patience);
    this.#tell(CLOSE.ABNORMAL, reason, null);
  }

  /** The socket failed. */
  onSocketError(happened: string): void {
    this.#lost(happened);
  }

  /** The peer ended its side. It may still read what was sent before a close frame. */
  onSocketEnd(): void {
    const happened = 'the peer ended the connection without a close frame';
    if (this.#state === STATE.CLOSING) this.#end(CLOSE.ABNORMAL, happened, null);
    else this.#lost(happened);
    this.backlog.end();
  }

  onSocketGone(): void {
    this.#lost('the connection was cut');
    this.context.wheel.cancel(this);
    this.#events.onGone();
  }

  get #patience(): number {
    const { closeTimeout } = this.context.limits;
    return this.#failed ? Math.min(closeTimeout, FAILED_TIMEOUT) : closeTimeout;
  }

  #tell(code: number, reason: string, error: ZocaloError | null): void {
    if (this.#told) return;
    this.#told = true;
    this.#events.onClosed(code, reason, error);
  }

  // ——— deadlines

  onDeadline(): number {
    const { wheel, limits } = this.context;
    if (this.#state !== STATE.OPEN) {
      // A peer that still reads what was sent before our close frame gets more time, unless it broke a rule.
      const more = this.backlog.takenAt + wheel.ticks(this.#patience) - wheel.now;
      if (more > 0 && !this.#failed) return more * wheel.tick;
      this.#lost('the peer did not answer the close frame in time');
      this.#socket.destroy();
      return 0;
    }
    // While we are paused, hearing nothing says nothing about the peer. A peer that slowly reads its queue is alive,
    // although the ping may wait behind that queue.
    const isPaused = this.#pauses > 0;
    // Nor do we see then that it leaves, unless what we send cannot arrive. A pong asks for no answer (RFC 6455 §5.5.3).
    if (isPaused && this.backlog.isEmpty && whatIsDue(this.#vitals, wheel, limits) === 'ping')
      this.put(FIN | OPCODE.PONG, '', 0);
    const livedAt = isPaused ? wheel.now : this.backlog.takenAt;
    if (livedAt > this.#heardAt) {
      this.#heardAt = livedAt;
      this.#pingedAt = -1;
    }
    if (isPaused) this.#messageAt = wheel.now;
    const due = whatIsDue(this.#vitals, wheel, limits);
    if (due === 'idle') {
      this.close(CLOSE.NORMAL, 'idle for too long');
      return 0;
    }
    if (due === 'lost') {
      this.#lost('the peer did not answer a ping in time');
      this.#socket.destroy();
      return 0;
    }
    if (due === 'ping') {
      this.#pingedAt = wheel.now;
      // It does not count as a message of the program: a full queue takes these two bytes too.
      this.put(FIN | OPCODE.PING, '', 0);
    }
    return untilDue(this.#vitals, wheel, limits);
  }

  get #vitals(): Vitals {
    return { heardAt: this.#heardAt, messageAt: this.#messageAt, pingedAt: this.#pingedAt };
  }
}

const owner = Symbol('the connection on this socket');
type Owned = Duplex & { [owner]: Connection };

// Shared listeners for all sockets: a closure per socket would be a fifth of an idle connection's memory.
function onSocketError(this: Owned, error: NodeJS.ErrnoException): void {
  this[owner].onSocketError(error.code ?? error.message);
}

function onSocketEnd(this: Owned): void {
  this[owner].onSocketEnd();
}

function onSocketClose(this: Owned): void {
  this[owner].onSocketGone();
}
