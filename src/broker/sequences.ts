import type { ZocaloError } from '../errors.ts';

/** Which sequences have come to their end, because a publication of theirs was refused: see `Publication.sequence`. */
export class Sequences {
  readonly #refusals = new WeakMap<object, ZocaloError>();
  readonly #numbers = new WeakMap<object, number>();
  #next = 0;

  /** A number that stands for a sequence where objects cannot go. */
  numberOf(sequence: object): number {
    const number = this.#numbers.get(sequence) ?? this.#next++;
    this.#numbers.set(sequence, number);
    return number;
  }

  /** Why a publication was refused; undefined while none was. */
  refusalOf(sequence: object | undefined): ZocaloError | undefined {
    return sequence && this.#refusals.get(sequence);
  }

  /** Notes that a publication was refused, and returns the error. What is wrong with one alone does not end a sequence. */
  refuse(sequence: object | undefined, error: ZocaloError): ZocaloError {
    if (sequence && isOfTheLog(error) && !this.#refusals.has(sequence)) this.#refusals.set(sequence, error);
    return error;
  }
}

/** Whether the log may take the publication later. */
export function isOfTheLog({ code }: { readonly code: string }): boolean {
  return code.startsWith('LOG_');
}
