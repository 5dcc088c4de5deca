import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** File descriptors reserved for everything else: logs, calls to hooks and webhooks, pages, certificates, a reload. */
const KEPT = 128;
/** The diagnostics channel that reports each connection accepted by any server of this process. */
const ACCEPTED = 'net.server.socket';

/** How many connections a process may accept when it may open this many files. */
export function roomFor(openFiles: number): number {
  return openFiles - Math.min(KEPT, Math.ceil(openFiles / 2));
}

/**
 * Keeps connections from using all files that the process may open: those of all its servers together, including the
 * Unix socket. When the limit is reached, a connection that has sent nothing yet is closed in favour of the new one,
 * the oldest first. When there is none, the new one is closed.
 */
export class SocketBudget {
  readonly #most: number;
  readonly #onCut: () => void;
  readonly #silent = new Set<Socket>();
  #open = 0;

  /** `onCut` is called for each connection that was closed. */
  constructor(most: number, onCut: () => void) {
    this.#most = most;
    this.#onCut = onCut;
  }

  open(): void {
    diagnostics.subscribe(ACCEPTED, this.#accept);
  }

  close(): void {
    diagnostics.unsubscribe(ACCEPTED, this.#accept);
  }

  readonly #accept = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (socket.destroyed) return;
    this.#open++;
    socket.once('close', () => {
      this.#open--;
      this.#silent.delete(socket);
    });
    if (this.#open > this.#most) this.#cut(socket);
    if (!socket.destroyed) this.#silent.add(socket);
  };

  #cut(newcomer: Socket): void {
    let victim = newcomer;
    for (const socket of this.#silent) {
      this.#silent.delete(socket);
      if (socket.destroyed || socket.bytesRead > 0) continue; // it is not silent any more
      victim = socket;
      break;
    }
    victim.destroy();
    this.#onCut();
  }
}
