import type { Socket } from 'node:net';
import { ZocaloError } from '../errors.ts';
import { type Address, formatAddress } from './address.ts';
import { StreamSocket, type StreamSocketOptions } from './stream-socket.ts';
import { toZocaloError } from './system-errors.ts';

/** A connection over TCP, TLS or a Unix socket. */
export class ByteSocket extends StreamSocket {
  readonly #socket: Socket;
  #peerEnded = false;

  /** `socket` is connected, and has no other listeners. */
  constructor(socket: Socket, address: Address, options: Omit<StreamSocketOptions, 'remoteAddress' | 'localAddress'>) {
    super({
      ...options,
      remoteAddress: nameOf(address, socket.remoteAddress, socket.remotePort),
      localAddress: nameOf(address, socket.localAddress, socket.localPort),
    });
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk)).pause();
    socket.on('end', () => {
      this.#peerEnded = true;
      this.push(null);
    });
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.#onClose());
    if (socket.destroyed) this.#onClose();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.touch();
    this.#socket.write(chunk, (error) => callback(error && toZocaloError(error, this.remoteAddress)));
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    this.#socket.cork();
    const last = chunks.length - 1;
    chunks.forEach(({ chunk, encoding }, index) => {
      if (index === last) this._write(chunk, encoding, callback);
      else this.#socket.write(chunk);
    });
    this.#socket.uncork();
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) callback();
    else this.#socket.end((error?: Error) => callback(error && toZocaloError(error, this.remoteAddress)));
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    super._destroy(error, callback);
  }

  #receive(chunk: Buffer): void {
    this.touch();
    if (!this.push(chunk)) this.#socket.pause();
  }

  /** Also called when we closed it ourselves; then there is nothing left to do. */
  #onClose(): void {
    if (this.#peerEnded) this.end();
    else this.destroy(new ZocaloError('SOCKET_CLOSED', `the connection with ${this.remoteAddress} is closed`));
  }
}

/**
 * Both ends of a Unix socket have the same name, since a file has no second address. A peer that has reset the
 * connection has no address any more either; then `address` is the best known name.
 */
function nameOf(address: Address, host: string | undefined, port: number | undefined): string {
  if (address.scheme === 'unix' || host === undefined || port === undefined) return formatAddress(address);
  return formatAddress({ ...address, host, port });
}
