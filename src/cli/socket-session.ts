import { finished } from 'node:stream/promises';
import { ZocaloError } from '../errors.ts';
import type { StreamSocket } from '../stream/index.ts';
import { CLOSE, type WebSocketClient } from '../websocket/index.ts';
import { IdleTimer, type Input, print } from './terminal.ts';

/** Runs until the other side has ended and everything was sent. */
export async function talkInBytes(socket: StreamSocket, input: Input, wait: number): Promise<void> {
  const sent = send(input, 'chunks', socket).then(() => socket.end());
  sent.catch(() => {}); // the socket fails with it, and so does the reading, or else the wait below
  for await (const bytes of socket) await print(bytes);
  // The other side has ended, and may still receive: piped input is sent on, but a person has seen the end.
  if (!input.isTyped) await Promise.race([sent, input.settled(wait)]);
  socket.end();
  await finished(socket);
}

/**
 * Each line is a datagram. UDP has no end, so it stops after `wait` milliseconds of silence after the end of the input.
 */
export async function talkInDatagrams(socket: StreamSocket, input: Input, wait: number): Promise<void> {
  const idle = new IdleTimer();
  const reading = (async () => {
    for await (const bytes of socket) {
      idle.touch();
      await print(bytes);
    }
  })();
  await Promise.race([reading, send(input, 'lines', socket)]);
  idle.touch();
  await Promise.race([reading, idle.lasts(wait)]);
  socket.destroy();
  await reading.catch(() => {});
}

/** Each line is a text message. Closes after the end of the input and `wait` milliseconds of silence. */
export async function talkInMessages(client: WebSocketClient, input: Input, wait: number, url: string): Promise<void> {
  const idle = new IdleTimer();
  const sending = (async () => {
    for await (const line of input.read('lines')) {
      if (!client.send(line.toString().replace(/\r?\n$/, ''))) await client.drained();
    }
    await client.drained();
    idle.touch();
    await idle.lasts(wait);
    client.close(CLOSE.NORMAL);
  })();
  const reading = (async () => {
    for await (const message of client) {
      idle.touch();
      await print(message);
      await print('\n');
    }
  })();
  await Promise.race([reading, sending.then(() => reading)]);
  const { code, reason, error } = await client.closed;
  if (error) throw error;
  if (code !== CLOSE.NORMAL && code !== CLOSE.GOING_AWAY && code !== CLOSE.NO_STATUS) {
    throw new ZocaloError('SOCKET_CLOSED', `${url} closed with ${code}${reason && ` (${reason})`}`);
  }
}

async function send(input: Input, unit: 'chunks' | 'lines', socket: StreamSocket): Promise<void> {
  for await (const bytes of input.read(unit)) {
    await new Promise<void>((resolve, reject) => {
      socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }
}
