import { JsonText } from '../../protocol/index.ts';
import type { Decoded } from './decoded.ts';

/** How many last values are kept. A device beyond that is published once more than needed. */
const KEPT = 10_000;

/** The last value by channel or device: for scales that say the same twenty times a second. */
export class Changes {
  readonly #last = new Map<string, string>();
  readonly #kept: number;

  constructor(kept = KEPT) {
    this.#kept = kept;
  }

  /** Whether the value differs from the last one that was kept under the key. */
  differs(key: string, value: Decoded): boolean {
    return this.#last.get(key) !== JsonText.of(value).text;
  }

  /** Call it once the value is stored: what could not be published must not be taken for known. */
  keep(key: string, value: Decoded): void {
    this.#last.delete(key); // the newest stands last
    this.#last.set(key, JsonText.of(value).text);
    if (this.#last.size > this.#kept) this.#last.delete(this.#last.keys().next().value!);
  }
}
