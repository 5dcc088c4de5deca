import { type JsonText, ProtocolError } from '../../protocol/index.ts';
import type { HubMessage } from '../outgoing.ts';

/** The result of a call as JSON text, or the refusal. */
export type Outcome = { readonly result: JsonText } | { readonly refusal: ProtocolError };

const NONE: ReadonlySet<string> = new Set();

/** What one client was asked and has not answered yet. */
export class Asked {
  /** The methods that the client offers to answer. */
  methods = NONE;
  readonly #tell: (message: HubMessage) => void;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #last = 0;

  constructor(tell: (message: HubMessage) => void) {
    this.#tell = tell;
  }

  /** Returns a function that tells the client that its answer is not needed any more. */
  ask(method: string, data: JsonText, onAnswer: (outcome: Outcome) => void): () => void {
    const number = ++this.#last;
    this.#waiting.set(number, onAnswer);
    this.#tell(['ask', number, method, data]);
    return () => {
      if (this.#waiting.delete(number)) this.#tell(['over', number]);
    };
  }

  /** What nobody waits for is ignored: the answer and `over` may have crossed. */
  take(number: number, outcome: Outcome): void {
    const onAnswer = this.#waiting.get(number);
    this.#waiting.delete(number);
    onAnswer?.(outcome);
  }

  /** The connection is gone. */
  end(): void {
    const refusal = new ProtocolError('TIMEOUT', 'the connection was lost before the answer');
    for (const number of [...this.#waiting.keys()]) this.take(number, { refusal });
  }
}
