import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Files that are kept for everything else: the logs, calls to hooks and webhooks, pages, certificates, a reload. */
const KEPT = 128;
/** Where Node tells of each connection that any server of this process has accepted. */
const ACCEPTED = 'net.server.socket';

/** How many connections a process may take that may have so many files open. */
export function roomFor(openFiles: number): number {
  return openFiles - Math.min(KEPT, Math.ceil(openFiles / 2));
}

/**
 * Keeps connections from taking all the files that the process may open: of all its servers together, the Unix socket
 * too. When there is no more room, whoever has said nothing so far makes place for the newcomer, the longest silent
 * first; where there is nobody like that, the newcomer is cut off.
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
