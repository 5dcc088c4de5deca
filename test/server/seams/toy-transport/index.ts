import { MessageChannel, type MessagePort } from 'node:worker_threads';
import {
  type CloseReason,
  closeText,
  type Hub,
  type Outgoing,
  type TextConnection,
} from '../../../../src/hub/index.ts';
import type { Part } from '../../../../src/server/part.ts';
import { StreamFanOut, type StreamWire } from '../../../../src/server/transports/index.ts';

/** The hub's way out through one port: a text is a message. */
class PortWire implements StreamWire {
  readonly #port: MessagePort;
  readonly #fanOut: StreamFanOut;

  constructor(port: MessagePort, fanOut: StreamFanOut) {
    this.#port = port;
    this.#fanOut = fanOut;
  }

  send({ text }: Outgoing): boolean {
    this.#port.postMessage(text);
    return true;
  }

  deliver(outgoing: Outgoing): void {
    this.send(outgoing);
  }

  async drained(): Promise<void> {}

  subscribe(topic: string): void {
    this.#fanOut.subscribe(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#fanOut.unsubscribe(topic, this);
  }

  close(reason: CloseReason): void {
    this.#port.postMessage(closeText(reason));
    this.#port.close();
  }
}

/** Plain text for the threads of this process. */
export class PortTransport implements Part {
  readonly name = 'the ports';
  readonly isListener = true;
  readonly #hub: Hub;
  readonly #fanOut = new StreamFanOut();
  readonly #connections = new Set<TextConnection>();
  #removeFanOut = (): void => {};

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  open(): void {
    this.#removeFanOut = this.#hub.addFanOut(this.#fanOut);
  }

  connect(channel: string): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const connection = this.#hub.connectText(new PortWire(port1, this.#fanOut), channel);
    this.#connections.add(connection);
    port1.on('message', (text: string) => void connection.receive(text));
    port1.once('close', () => {
      this.#connections.delete(connection);
      connection.lost();
    });
    return port2;
  }

  async close(grace: number): Promise<void> {
    await this.#hub.settled(grace);
    for (const connection of this.#connections) connection.end('SHUTTING_DOWN');
    this.#removeFanOut();
  }
}
