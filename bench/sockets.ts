import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** The sockets of a load: they all read into one buffer, and the process fails when one of them does. */

const KEY = Buffer.from('zocalo benchmark').toString('base64');
const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

export const chunk = Buffer.allocUnsafe(1 << 20);

export class Connection {
  readonly socket: Socket;
  /** Called with the first `length` bytes of `chunk`. */
  onBytes: (length: number) => void = () => {};
  /** Bytes of an incomplete frame. */
  partial = 0;

  constructor(port: number) {
    this.socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: chunk,
        callback: (length) => {
          this.onBytes(length);
          return true;
        },
      },
    });
    this.socket.on('error', (error) => fail(`a connection failed: ${error.message}`));
    this.socket.on('end', () => fail('a connection was closed by the server'));
  }
}

export function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

export interface Opened {
  connection: Connection;
  /** The server's answer about compression. */
  extensions: string;
  /** What the server sent before it was asked. */
  rest: Buffer;
}

/** Opens a WebSocket. `headers` end with a line break each. */
export function open(port: number, { path = '/', headers = '' } = {}): Promise<Opened> {
  const connection = new Connection(port);
  connection.socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${headers}\r\n`,
  );
  return new Promise((resolve) => {
    let answer = '';
    connection.onBytes = (length) => {
      answer += chunk.toString('latin1', 0, length);
      const end = answer.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      const head = answer.slice(0, end);
      if (!head.startsWith('HTTP/1.1 101') || !head.includes(ACCEPT)) fail(`refused: ${head.split('\r\n')[0]}`);
      connection.onBytes = () => {};
      const extensions = /^sec-websocket-extensions: *(.*)$/im.exec(head)?.[1] ?? '';
      resolve({ connection, extensions, rest: Buffer.from(answer.slice(end), 'latin1') });
    };
  });
}
