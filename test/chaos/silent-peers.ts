import { connect, type Socket } from 'node:net';

/** Connections that say nothing, more than the server may have open. */
export class SilentPeers {
  readonly #ports: () => readonly (number | undefined)[];
  readonly #sockets = new Set<Socket>();
  /** Connections that came; the server may have cut them off. */
  count = 0;

  /** They come to all of these ports in turn. */
  constructor(ports: () => readonly (number | undefined)[]) {
    this.#ports = ports;
  }

  /** Resolves when each of `count` was let in or refused. */
  async come(count: number): Promise<void> {
    const tries = Array.from({ length: count }, (_, index) => {
      const ports = this.#ports();
      const port = ports[index % ports.length];
      return port === undefined ? undefined : this.#open(port);
    });
    await Promise.all(tries);
  }

  leave(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(port: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    this.#sockets.add(socket);
    return new Promise((resolve) => {
      socket.on('error', () => {});
      socket.on('connect', () => {
        this.count += 1;
        resolve();
      });
      socket.on('close', () => {
        this.#sockets.delete(socket);
        resolve();
      });
    });
  }
}
