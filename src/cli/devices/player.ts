import { finished } from 'node:stream/promises';
import type { Clock } from '../../clock.ts';
import type { StreamSocket } from '../../stream/index.ts';
import type { RecordedEvent } from './recording.ts';

export interface PlayerOptions {
  readonly connect: () => Promise<StreamSocket>;
  readonly clock: Clock;
  /** Without the pauses. */
  readonly isFast: boolean;
  /** What the other side sends. */
  readonly onAnswer: (bytes: Buffer) => Promise<void>;
  /** Resolves when nothing was heard for as long as the other side may be silent. */
  readonly quiet: () => Promise<unknown>;
}

/**
 * Sends a recording again: the same bytes by as many connections, in the same order and at the same times. A connection
 * that the recording does not end stays open until everything was sent.
 *
 * @throws ZocaloError as `connect` and sockets do.
 */
export async function play(events: readonly RecordedEvent[], options: PlayerOptions): Promise<void> {
  const { clock, isFast } = options;
  const open = new Map<number, StreamSocket>();
  const answers: Promise<void>[] = [];
  const begun = clock.now() - (events[0]?.at ?? 0);
  const socketOf = async (connection: number) => {
    const known = open.get(connection);
    if (known) return known;
    const socket = await options.connect();
    open.set(connection, socket);
    const heard = listenTo(socket, options.onAnswer);
    heard.catch(() => {}); // awaited below
    answers.push(heard);
    return socket;
  };
  try {
    for (const { at, connection, what } of events) {
      const wait = begun + at - clock.now();
      if (!isFast && wait > 0) await new Promise<void>((resolve) => clock.after(wait, resolve));
      const socket = await socketOf(connection);
      if (what === 'end') {
        socket.end();
        open.delete(connection);
      } else if ('bytes' in what) {
        const { bytes } = what;
        await new Promise<void>((resolve, reject) => {
          socket.write(bytes, (error) => (error ? reject(error) : resolve()));
        });
      }
    }
    for (const socket of open.values()) if (!socket.readableObjectMode) socket.end();
    await Promise.race([Promise.all(answers), options.quiet()]);
  } finally {
    for (const socket of open.values()) socket.destroy();
  }
}

async function listenTo(socket: StreamSocket, onAnswer: PlayerOptions['onAnswer']): Promise<void> {
  for await (const bytes of socket) await onAnswer(bytes);
  socket.end();
  await finished(socket);
}
