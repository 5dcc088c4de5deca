import type { OutboxStorage } from '../../src/client/index.ts';

/** As `localStorage`. */
export class FakeStorage implements OutboxStorage {
  readonly items = new Map<string, string>();
  isFull = false;

  get length(): number {
    return this.items.size;
  }

  key(index: number): string | null {
    // In an order of its own, as the standard allows.
    return [...this.items.keys()].reverse()[index] ?? null;
  }

  getItem(name: string): string | null {
    return this.items.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    if (this.isFull) throw new Error('QuotaExceededError');
    this.items.set(name, value);
  }

  removeItem(name: string): void {
    this.items.delete(name);
  }
}
