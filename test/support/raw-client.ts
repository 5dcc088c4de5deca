import { once } from 'node:events';
import type { Socket } from 'node:net';
import * as wire from '../conformance/frame.ts';
import { dial, type Fields, type Head, readHead, request } from '../conformance/handshake.ts';

interface Manners {
  /** Header fields of the handshake, changed. */
  readonly fields?: Fields;
  /** The request line, changed. */
  readonly line?: string;
  /** What goes out in one packet with the handshake. */
  readonly early?: Buffer;
  /** Takes nothing from its socket after the handshake, until told to listen. */
  readonly deaf?: boolean;
}

/** A client that does its handshake by hand and then sends whatever bytes a test likes. */
export class RawClient {
  readonly socket: Socket;
  readonly head: Head;
  readonly #reader = new wire.FrameReader(false);
  #over = false;
  #wake = () => {};

  private constructor(socket: Socket, head: Head, deaf: boolean) {
    this.socket = socket;
    this.head = head;
    this.#reader.push(head.rest);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#over = true;
      this.#wake();
    });
    if (!deaf) this.listen();
  }

  /** A deaf one begins to read. */
  listen(): void {
    this.socket.on('data', (bytes: Buffer) => {
      this.#reader.push(bytes);
      this.#wake();
    });
    this.socket.resume();
  }

  static async open(url: string, { fields, line, early, deaf = false }: Manners = {}): Promise<RawClient> {
    const socket = await dial(portOf(url));
    const head = readHead(socket);
    socket.write(Buffer.concat([Buffer.from(request(fields, line)), early ?? Buffer.alloc(0)]));
    const answer = await head;
    if (!answer) throw new Error('the server hung up during the handshake');
    return new RawClient(socket, answer, deaf);
  }

  /** The next frame; undefined when the connection is over. */
  async next(): Promise<wire.ReceivedFrame | undefined> {
    for (;;) {
      const frame = this.#reader.next();
      if (frame || this.#over) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Reads to the end, answering a close frame. Tells the code of the server's close frame: 1005 for none in it, 1006 for no frame. */
  async code(): Promise<number> {
    let code = 1006;
    for (let frame = await this.next(); frame; frame = await this.next())
      if (frame.opcode === wire.CLOSE) {
        code = frame.payload.length > 0 ? frame.payload.readUInt16BE() : 1005;
        if (this.socket.writable) this.send(wire.close(1000));
      }
    return code;
  }

  send(...frames: wire.Frame[]): void {
    this.socket.write(bytesOf(...frames));
  }

  /** Resolves when the connection is over. */
  async gone(): Promise<void> {
    if (!this.#over) await once(this.socket, 'close');
  }
}

/** Frames as a client sends them: masked, unless they say otherwise. */
export function bytesOf(...frames: wire.Frame[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const masked = frame.masked ?? true;
      return [wire.encodeHeader(frame, masked), wire.encodePayload(frame, masked)];
    }),
  );
}

export function portOf(url: string): number {
  return Number(new URL(url).port);
}
