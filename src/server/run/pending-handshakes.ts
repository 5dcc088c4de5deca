import type { UpgradeAnswer, UpgradeRequest } from '../../websocket/index.ts';

interface Pending {
  readonly request: UpgradeRequest;
  readonly resolve: (answer: UpgradeAnswer) => void;
}

/** The handshakes that wait for the program's answer, by the number of the connection that they ask for. */
export class PendingHandshakes {
  readonly #pending = new Map<number, Pending>();
  readonly #numbers = new WeakMap<UpgradeRequest, number>();

  /** Resolves with the answer. */
  wait(number: number, request: UpgradeRequest): Promise<UpgradeAnswer> {
    this.#numbers.set(request, number);
    return new Promise((resolve) => this.#pending.set(number, { request, resolve }));
  }

  /** It is over without an answer. Returns its number if it was waiting. */
  giveUp(request: UpgradeRequest): number | undefined {
    const number = this.#numbers.get(request);
    return number !== undefined && this.#pending.delete(number) ? number : undefined;
  }

  /** `protocol`: only one that the client has offered may be chosen (RFC 6455 §4.2.2); with another this is false. */
  accept(number: number, protocol: string | undefined): boolean {
    const pending = this.#pending.get(number);
    const isOffered = protocol === undefined || !pending || pending.request.protocols.includes(protocol);
    this.#answer(number, { data: number, ...(protocol !== undefined && isOffered && { protocol }) });
    return isOffered;
  }

  refuse(number: number, status: number, reason: string): void {
    this.#answer(number, { refuse: status, reason });
  }

  refuseAll(status: number): void {
    for (const number of this.#pending.keys()) this.#answer(number, { refuse: status });
  }

  #answer(number: number, answer: UpgradeAnswer): void {
    this.#pending.get(number)?.resolve(answer);
    this.#pending.delete(number);
  }
}
