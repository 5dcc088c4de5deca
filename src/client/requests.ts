import { ProtocolError } from '../protocol/index.ts';

/** Called at once, while the line is being read: what follows on the line may depend on it. */
export interface Answer {
  ok(result: unknown): void;
  err(error: ProtocolError): void;
}

interface Open extends Answer {
  /** When it becomes a sign that the connection is dead. */
  due: number;
}

/** What this connection was asked and has not answered. */
export class Requests {
  readonly #open = new Map<number, Open>();
  #last = 0;

  /** The number of a new request. `due`: on the caller's clock, when the lack of an answer means that all is lost. */
  add(answer: Answer, due: number): number {
    // 2³¹ − 1 requests on one connection is more than anybody makes.
    this.#last += 1;
    this.#open.set(this.#last, { due, ok: answer.ok, err: answer.err });
    return this.#last;
  }

  settle(id: number, result: unknown): void {
    this.#take(id)?.ok(result);
  }

  fail(id: number, error: ProtocolError): void {
    this.#take(id)?.err(error);
  }

  forget(id: number): void {
    this.#open.delete(id);
  }

  isOverdue(now: number): boolean {
    for (const { due } of this.#open.values()) if (due <= now) return true;
    return false;
  }

  /** The connection is gone: nothing of it will be answered, and its numbers begin anew. */
  reset(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#last = 0;
    for (const { err } of open) err(new ProtocolError('CONNECTION_LOST', LOST));
  }

  #take(id: number): Open | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    return open;
  }
}

const LOST = 'the connection was lost before the answer came; whether it was done is not known';
