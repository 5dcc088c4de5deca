import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * One buffer into which every connection of this thread reads in turn. It holds a 64 KiB message with its header and
 * some more, so that such a message takes one system call.
 */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

/** Takes a piece that arrived; the bytes are valid only until it returns. */
export interface PieceTaker {
  takePiece(piece: Buffer, length: number): void;
}

interface Internals {
  [key: symbol]: unknown;
  _handle?: { useUserBuffer?: (buffer: Buffer) => void; reading?: boolean } | null;
}

const taker = Symbol('the taker of its pieces');
type Taken = Duplex & { [taker]: PieceTaker };

/**
 * Gives `to` each piece that arrives on `stream`.
 *
 * Node allocates 64 KiB for each read of a socket and passes the piece through its stream machinery. It can also read
 * into one given buffer (`onread` of net.connect), but offers that only for sockets that it opens itself, not for those
 * that a server accepts. Measured (docs/engine.md), that is a quarter of the cost of a small message. So the same
 * internal switch is set here for accepted sockets, where Node's internals are as expected; any other stream (TLS,
 * Windows, a future Node) is read through its public 'data' event, with the same result.
 */
export function readPieces(stream: Duplex, to: PieceTaker): void {
  // The receiver is found through the stream, so that a connection needs no closure.
  (stream as Taken)[taker] = to;
  // What arrived while onUpgrade still decided waits in the stream, where a switched socket would not look again.
  for (let piece = stream.read(); piece !== null; piece = stream.read()) to.takePiece(piece, piece.length);
  if (readIntoShared(stream)) return;
  stream.on('data', onData);
  stream.resume();
}

function readIntoShared(stream: Duplex): boolean {
  // A subclass, such as TLS, may read in another way.
  const isPlain = Object.getPrototypeOf(stream) === Socket.prototype;
  if (process.platform === 'win32' || !isPlain) return false;
  const socket = stream as unknown as Internals;
  if (bufferKey === undefined || callbackKey === undefined || socket[bufferKey] !== null) return false;
  if (typeof socket._handle?.useUserBuffer !== 'function') return false;
  socket[bufferKey] = shared;
  socket[callbackKey] = onRead;
  socket._handle.useUserBuffer(shared);
  // The HTTP server has usually started to read, and resuming would cost a pass through the stream machinery.
  if (socket._handle.reading !== true) stream.resume();
  return true;
}

function onRead(this: Taken, length: number): boolean {
  this[taker].takePiece(shared, length);
  return true;
}

function onData(this: Taken, piece: Buffer): void {
  this[taker].takePiece(piece, piece.length);
}

const symbols = Object.getOwnPropertySymbols(new Socket());
const bufferKey = symbols.find((symbol) => symbol.description === 'kBuffer');
const callbackKey = symbols.find((symbol) => symbol.description === 'kBufferCb');
