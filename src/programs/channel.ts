import type { ChildProcess } from 'node:child_process';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { nodeNet } from '../builtins.ts';
import { LineBuffer } from '../stream/index.ts';
import type { Variables } from './environment.ts';

/** How a program and its parent exchange lines, beside its stdin, stdout and stderr. */
export type ChannelKind = 'fds' | 'tcp';

/** The two directions of a channel, as the parent sees them. */
export interface ChannelEnds {
  /** What the program writes. */
  readonly input: Readable;
  /** What it reads. */
  readonly output: Writable;
}

export interface ProgramChannel {
  /** For `stdio` of `spawn`, from file descriptor 3 on. */
  readonly stdio: readonly 'pipe'[];
  /** Before the program is started: resolves with the variables that tell it where the channel is. */
  open(): Promise<Variables>;
  /** After that: calls back, once, when lines can be exchanged. */
  attach(child: ChildProcess, use: (ends: ChannelEnds) => void): void;
  /** Closes what no program has connected to. */
  close(): void;
}

export function channelOf(kind: ChannelKind): ProgramChannel {
  return kind === 'fds' ? new FdChannel() : new TcpChannel();
}

/** The program inherits file descriptor 3, which it reads, and 4, which it writes. */
class FdChannel implements ProgramChannel {
  readonly stdio = ['pipe', 'pipe'] as const;

  async open(): Promise<Variables> {
    return { ZOCALO_CHANNEL: 'fd:3,4' };
  }

  attach({ stdio }: ChildProcess, use: (ends: ChannelEnds) => void): void {
    const [, , , output, input] = stdio as unknown as Socket[];
    output!.resume(); // its end is noticed only while it is read
    use({ input: input!, output: output! });
  }

  close(): void {}
}

/** Connections that may wait to say the secret. */
const MAX_CONNECTIONS = 8;

/**
 * Where file descriptors cannot be inherited: the program connects to a port of this machine, and its first line is the
 * secret from its environment. Then the port is closed.
 */
class TcpChannel implements ProgramChannel {
  readonly stdio = [];
  readonly #secret = Buffer.from(randomBytes(24).toString('base64url'));
  readonly #waiting = new Set<Socket>();
  #server: Server | undefined;
  #use: (ends: ChannelEnds) => void = () => {};

  async open(): Promise<Variables> {
    const server = nodeNet().createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#greet(socket));
    server.maxConnections = MAX_CONNECTIONS;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    return { ZOCALO_CHANNEL: `tcp:127.0.0.1:${port}`, ZOCALO_CHANNEL_SECRET: this.#secret.toString() };
  }

  attach(_child: ChildProcess, use: (ends: ChannelEnds) => void): void {
    this.#use = use;
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting.clear();
  }

  #greet(socket: Socket): void {
    this.#waiting.add(socket);
    socket.on('error', () => {}); // it is closed then
    socket.on('close', () => this.#waiting.delete(socket));
    const lines = new LineBuffer();
    const listen = (chunk: Buffer) => {
      lines.append(chunk);
      const line = lines.take();
      if (!line && lines.length <= this.#secret.length + 1) return;
      socket.off('data', listen);
      if (!line || !this.#isSecret(line)) {
        socket.destroy();
        return;
      }
      socket.pause();
      this.#waiting.delete(socket);
      this.close();
      const rest = lines.takeRest();
      if (rest.length > 0) socket.unshift(rest);
      this.#use({ input: socket, output: socket });
    };
    socket.on('data', listen);
  }

  #isSecret(line: Buffer): boolean {
    const said = line.subarray(0, line.at(-2) === 13 ? -2 : -1);
    return said.length === this.#secret.length && timingSafeEqual(said, this.#secret);
  }
}
