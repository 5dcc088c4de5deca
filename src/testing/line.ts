import type { NegotiatedSocket } from '../client/index.ts';
import type { CloseReason, Hub, Outgoing, VisitorRequest, Wire } from '../hub/index.ts';
import { closeCode } from '../protocol/index.ts';

/** RFC 6455 §7.4.1: closed in good order, and lost without a close frame. */
const NORMAL = 1000;
const LOST = 1006;

type Listener = (event: never) => void;

/** What a line needs around it. */
export interface LineContext {
  readonly hub: Hub;
  /** Does it a little later, after what was said before. */
  later(action: () => void): void;
  /** It is over. */
  onEnd(line: Line): void;
}

/** A connection between a client and a hub in one process: a WebSocket for one, a wire for the other. */
export class Line implements NegotiatedSocket, Wire {
  readonly protocol: string;
  readonly remoteAddress = '127.0.0.1';
  /** The hub's topics. */
  readonly topics = new Set<string>();
  readonly #context: LineContext;
  readonly #listeners = new Map<string, Listener[]>();
  #connection: ReturnType<Hub['connect']> | undefined;
  #isOver = false;

  /** `request`: what the hub's `connect` gets. `isRefused`: there is no network. */
  constructor(context: LineContext, protocol: string, request: VisitorRequest, isRefused: boolean) {
    this.#context = context;
    this.protocol = protocol;
    context.later(() => {
      if (this.#isOver) return;
      if (isRefused) {
        this.cut();
        return;
      }
      this.#connection = context.hub.connect(this, request);
      this.#emit('open', {});
    });
  }

  // ——— the client's end

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  /** As in `Wire`, a text is an `Outgoing`: that is the hub's end. */
  send(said: string | Outgoing): true {
    if (typeof said === 'string') this.#context.later(() => !this.#isOver && this.#connection?.receive(said));
    else this.#context.later(() => !this.#isOver && this.#emit('message', { data: said.text }));
    return true;
  }

  /** With a reason, by the hub. */
  close(how?: number | CloseReason): void {
    const code = typeof how === 'object' ? closeCode(how.code) : (how ?? NORMAL);
    this.#context.later(() => this.#end(code));
  }

  // ——— the hub's end

  async drained(): Promise<void> {}

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  // ——— the test's

  /** The network is gone: what is under way is lost. */
  cut(): void {
    this.#end(LOST);
  }

  #end(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#context.onEnd(this);
    this.#connection?.lost(code);
    this.#emit('close', { code });
  }

  #emit(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }
}
