import type { FanOut, Outgoing, Wire } from '../../hub/index.ts';

/** A way out that is a stream of its own: an SSE reader's, a raw line's. */
export interface StreamWire extends Wire {
  /** Takes what goes to many. */
  deliver(outgoing: Outgoing): void;
}

/** The loop over the readers that are no WebSockets: who hears which topic. */
export class StreamFanOut implements FanOut {
  readonly #topics = new Map<string, Set<StreamWire>>();

  subscribe(topic: string, wire: StreamWire): void {
    const wires = this.#topics.get(topic);
    if (wires) wires.add(wire);
    else this.#topics.set(topic, new Set([wire]));
  }

  unsubscribe(topic: string, wire: StreamWire): void {
    const wires = this.#topics.get(topic);
    if (wires?.delete(wire) && wires.size === 0) this.#topics.delete(topic);
  }

  publish(topic: string, outgoing: Outgoing, except?: Wire): number {
    const wires = this.#topics.get(topic);
    if (!wires) return 0;
    for (const wire of wires) if (wire !== except) wire.deliver(outgoing);
    return wires.size;
  }
}
