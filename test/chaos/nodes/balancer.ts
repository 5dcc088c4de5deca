import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Dice } from '../dice.ts';

/** What stands before the nodes: each connection goes to one of them, by chance. */
export class Balancer {
  readonly #dice: Dice;
  readonly #ports: () => readonly number[];
  readonly #sockets = new Set<Socket>();
  readonly #server = net.createServer((client) => this.#pass(client));
  connections = 0;

  /** `ports`: of the nodes that listen. */
  constructor(dice: Dice, ports: () => readonly number[]) {
    this.#dice = dice;
    this.#ports = ports;
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts each connection with this probability: its client comes back, perhaps to another node. */
  cut(probability: number): void {
    for (const socket of this.#sockets) if (this.#dice.isLikely(probability)) socket.destroy();
  }

  close(): void {
    this.cut(1);
    this.#server.close();
  }

  #pass(client: Socket): void {
    const ports = this.#ports();
    client.on('error', () => {});
    if (ports.length === 0) {
      client.destroy();
      return;
    }
    this.connections += 1;
    const node = net.connect(ports[this.#dice.below(ports.length)]!, '127.0.0.1');
    node.on('error', () => {});
    this.#sockets.add(client);
    client.on('close', () => {
      this.#sockets.delete(client);
      node.destroy();
    });
    node.on('close', () => client.destroy());
    client.pipe(node).pipe(client);
  }
}
