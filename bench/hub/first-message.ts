import { setTimeout as pause } from 'node:timers/promises';
import { type Connection, chunk, fail } from '../sockets.ts';

/** Sends one message first, which every connection must get complete. Ends the program when one does not within 20 s. */
export async function firstMessage(
  sender: Connection,
  connections: readonly Connection[],
  frame: Buffer,
  payload: string,
): Promise<void> {
  const late = setTimeout(() => fail('not every connection got the first message within 20 s'), 20_000);
  const arrivals = connections.map(
    (connection) =>
      new Promise<void>((resolve) => {
        let text = '';
        connection.onBytes = (length) => {
          text += chunk.toString('latin1', 0, length);
          if (text.includes(payload)) resolve();
        };
      }),
  );
  sender.socket.write(frame);
  await Promise.all(arrivals);
  clearTimeout(late);
  await pause(200); // an acknowledgement may come behind it
}
