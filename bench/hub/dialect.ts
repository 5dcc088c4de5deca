import { clientFrame, parseFrame } from '../frames.ts';
import { type Connection, chunk, fail, open } from '../sockets.ts';

/** How to enter a room and publish to it, in each server's protocol. Pure except for `enter`. */

export type DialectName = 'zocalo' | 'socketio';

export interface Dialect {
  path: string;
  headers: string;
  /** What to send after this text; `null` when the room is entered. */
  answer(text: string, room: string): string[] | null;
  publish(room: string, payload: string): string;
  /** Frames that the publisher itself gets for each message: its copy, and perhaps an acknowledgement. */
  framesToPublisher: number;
}

const line = (...parts: unknown[]) => JSON.stringify(parts);

export const DIALECTS: Record<DialectName, Dialect> = {
  zocalo: {
    path: '/',
    headers: 'Sec-WebSocket-Protocol: zocalo.1\r\n',
    answer(text, room) {
      if (text === '') return [line('hi', 1, {}), line('sub', 2, room, {})];
      if (text.startsWith('["err"')) fail(text);
      return text.startsWith('["live"') ? null : [];
    },
    publish: (room, payload) => line('pub', 3, room, payload),
    framesToPublisher: 2,
  },
  // Engine.IO 4 and Socket.IO 5: `0` opens, `40` connects to the namespace, `42` is an event.
  socketio: {
    path: '/socket.io/?EIO=4&transport=websocket',
    headers: '',
    answer(text) {
      if (text.startsWith('44')) fail(text);
      if (text.startsWith('40')) return null;
      return text.startsWith('0') ? ['40'] : [];
    },
    publish: (_, payload) => `42${JSON.stringify(['message', payload])}`,
    framesToPublisher: 1,
  },
};

export const textFrame = (text: string) => clientFrame(Buffer.from(text), { text: true });

/** Opens a connection and enters the room. Without a room: opens and sends hi. */
export async function enter(dialect: Dialect, port: number, room: string): Promise<Connection> {
  const { connection, rest } = await open(port, dialect);
  let bytes = rest;
  const say = (texts: string[]) => {
    for (const text of texts) connection.socket.write(textFrame(text));
  };
  await new Promise<void>((resolve) => {
    const read = () => {
      for (let frame = parseFrame(bytes); frame; frame = parseFrame(bytes)) {
        bytes = bytes.subarray(frame.length);
        const next = dialect.answer(frame.payload.toString(), room);
        if (next === null) return resolve();
        say(next);
      }
    };
    connection.onBytes = (length) => {
      bytes = Buffer.concat([bytes, chunk.subarray(0, length)]);
      read();
    };
    say(dialect.answer('', room) ?? []);
    read();
  });
  connection.onBytes = () => {};
  return connection;
}

/** Enters the room many times, some at a time. */
export async function enterMany(dialect: Dialect, port: number, room: string, count: number): Promise<Connection[]> {
  const connections: Connection[] = [];
  while (connections.length < count) {
    const some = Math.min(50, count - connections.length);
    connections.push(...(await Promise.all(Array.from({ length: some }, () => enter(dialect, port, room)))));
  }
  return connections;
}
