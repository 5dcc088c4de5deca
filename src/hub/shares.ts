/** How much each owner has of something of which each may have at most `most`. */
export class Shares {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes an amount, which is given back later. False, and nothing taken, if that would be too much. */
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
