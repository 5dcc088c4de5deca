import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { turn } from '../support/turn.ts';
import type { Event } from './case.ts';
import type { Deflate } from './deflate.ts';
import * as wire from './frame.ts';

/** One end of a WebSocket that says whatever it is told to, and writes down what the other end does. */
export class RawPeer {
  /** The messages, pings and pongs that came. */
  readonly events: Event[] = [];
  /** The masking keys that came. */
  readonly keys: string[] = [];
  /** The subject's Close, when it has come. */
  closing: { code: number | undefined; reason: string } | undefined;
  firstToClose: 'peer' | 'subject' | undefined;
  /** What the subject did that no endpoint may do. */
  trouble: string | undefined;
  /** The TCP connection is over. */
  finished = false;
  /** Both Closes were exchanged and the server was the first to end the TCP connection. */
  clean = false;

  #socket: Socket;
  #role: 'server' | 'client';
  #deflate: Deflate | undefined;
  #reader: wire.FrameReader;
  #closeSent = false;
  #message: { opcode: number; compressed: boolean; parts: Buffer[] } | undefined;
  #watchers = new Set<() => void>();

  /** `role` is the peer's own: as a client it masks. */
  constructor(socket: Socket, role: 'server' | 'client', deflate?: Deflate) {
    this.#socket = socket;
    this.#role = role;
    this.#deflate = deflate;
    this.#reader = new wire.FrameReader(role === 'server');
  }

  /** Starts to read; `rest` came behind the handshake. */
  start(rest: Buffer): this {
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('end', () => {
      if (this.#role === 'client' && this.closing) this.clean = this.#closeSent;
    });
    this.#socket.on('error', () => {
      this.clean = false;
    });
    this.#socket.on('close', (broken) => {
      if (this.#role === 'server') this.clean = this.#closeSent && this.closing !== undefined && !broken;
      this.finished = true;
      this.#wake();
    });
    if (rest.length > 0) this.#read(rest);
    this.#socket.resume();
    return this;
  }

  /** Neither end has closed, or not so that the peer knows. */
  get open(): boolean {
    return !this.finished && this.closing === undefined && this.trouble === undefined;
  }

  get closeSent(): boolean {
    return this.#closeSent;
  }

  async send(frames: wire.Frame[], chop?: number | 'frame'): Promise<void> {
    const octets = frames.map((frame) => this.encode(frame));
    if (frames.some((frame) => frame.opcode === wire.CLOSE && !frame.rsv)) this.#willClose();
    const all = chop === 'frame' ? octets : [Buffer.concat(octets)];
    for (const part of all) await this.write(part, chop === 'frame' ? undefined : chop);
  }

  encode(frame: wire.Frame): Buffer {
    const masked = frame.masked ?? this.#role === 'client';
    return Buffer.concat([wire.encodeHeader(frame, masked), wire.encodePayload(frame, masked)]);
  }

  /** The payload's octets `from` up to `to` of one frame, with the header before octet 0. */
  async sendPart(frame: wire.Frame, from: number, to: number): Promise<void> {
    const masked = frame.masked ?? this.#role === 'client';
    const header = from === 0 ? wire.encodeHeader(frame, masked) : Buffer.alloc(0);
    await this.write(Buffer.concat([header, wire.encodePayload(frame, masked).subarray(from, to)]));
  }

  /** A write for each chop, and time for the other end to read it by itself. */
  async write(octets: Buffer, chop = Math.max(1, octets.length)): Promise<void> {
    for (let at = 0; at < octets.length && (this.open || (this.#closeSent && !this.finished)); at += chop) {
      this.#socket.write(octets.subarray(at, at + chop));
      await turn();
    }
  }

  compress(message: wire.Frame): wire.Frame {
    if (!this.#deflate) return message;
    return { ...message, rsv: 4, payload: this.#deflate.compress(message.payload) };
  }

  /** Starts the closing handshake, once. */
  sendClose(code: number): void {
    if (this.#closeSent || !this.open) return;
    this.#willClose();
    this.#socket.write(this.encode(wire.close(code)));
  }

  hangUp(how: 'end' | 'reset'): void {
    if (how === 'end') this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  destroy(why?: string): void {
    this.trouble ??= why;
    this.#socket.destroy();
  }

  /** Resolves when `condition` holds, or when the connection is over. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition() && !this.finished) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  #willClose(): void {
    this.#closeSent = true;
    this.firstToClose ??= 'peer';
  }

  #wake(): void {
    for (const look of [...this.#watchers]) look();
  }

  #read(chunk: Buffer): void {
    this.#reader.push(chunk);
    try {
      for (let frame = this.#reader.next(); frame && !this.trouble; frame = this.#reader.next()) this.#take(frame);
    } catch (error) {
      this.destroy(`it sent ${(error as Error).message}`);
    }
    this.#wake();
  }

  #take(frame: wire.ReceivedFrame): void {
    if (this.closing) throw new Error('a frame after its Close');
    if (frame.key.length > 0) this.keys.push(frame.key.toString('hex'));
    const { opcode, payload } = frame;
    const startsMessage = opcode === wire.TEXT || opcode === wire.BINARY;
    if (frame.rsv !== 0 && !(frame.rsv === 4 && this.#deflate && startsMessage)) throw new Error('a reserved bit');
    if (opcode === wire.CLOSE) this.#takeClose(payload);
    else if (opcode === wire.PING) this.events.push({ kind: 'ping', payload });
    else if (opcode === wire.PONG) this.events.push({ kind: 'pong', payload });
    else {
      if (startsMessage === (this.#message !== undefined)) throw new Error('a fragment out of place');
      this.#message ??= { opcode, compressed: frame.rsv === 4, parts: [] };
      this.#message.parts.push(payload);
      if (frame.fin) this.#takeMessage(this.#message);
    }
  }

  #takeMessage({ opcode, compressed, parts }: { opcode: number; compressed: boolean; parts: Buffer[] }): void {
    this.#message = undefined;
    const joined = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const payload = compressed ? this.#deflate!.decompress(joined) : joined;
    const isText = opcode === wire.TEXT;
    if (isText && !isUtf8(payload)) throw new Error('a text that is not UTF-8');
    this.events.push({ kind: isText ? 'text' : 'binary', payload });
  }

  #takeClose(payload: Buffer): void {
    if (payload.length === 1) throw new Error('a Close with half a code');
    const reason = payload.subarray(2);
    if (!isUtf8(reason)) throw new Error('a reason that is not UTF-8');
    const code = payload.length > 0 ? payload.readUInt16BE() : undefined;
    if (code !== undefined && (code < 1000 || code > 4999 || [1004, 1005, 1006, 1015].includes(code))) {
      throw new Error(`the close code ${code}`);
    }
    this.closing = { code, reason: reason.toString() };
    this.firstToClose ??= 'subject';
    if (!this.#closeSent) {
      this.#closeSent = true;
      this.#socket.write(this.encode(wire.frame(wire.CLOSE, payload.subarray(0, 2))));
    }
    if (this.#role === 'server') this.#socket.end(); // RFC 6455 §7.1.1: the server ends the TCP connection first
  }
}
