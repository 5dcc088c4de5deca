/** What each of many has of something of which none may have more than `most`. */
export class Shares {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes so much, to be given back. False, and nothing taken, when that would be too much. */
  take(who: string, amount: number): boolean {
    const taken = (this.#taken.get(who) ?? 0) + amount;
    if (taken > this.#most) return false;
    this.#taken.set(who, taken);
    return true;
  }

  giveBack(who: string, amount: number): void {
    const taken = (this.#taken.get(who) ?? 0) - amount;
    if (taken > 0) this.#taken.set(who, taken);
    else this.#taken.delete(who);
  }
}
