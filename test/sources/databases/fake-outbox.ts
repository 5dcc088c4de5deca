import { type ErrorCode, ZocaloError } from '../../../src/errors.ts';
import type { Outbox, OutboxRow, Settled } from '../../../src/sources/databases/outbox.ts';

/** An outbox in memory, which fails where a test says so. */
export class FakeOutbox implements Outbox {
  rows: OutboxRow[] = [];
  opened = 0;
  taken = 0;
  /** Called when the consumer has opened it. */
  wake: () => void = () => {};
  failing: 'open' | 'take' | 'settle' | undefined;
  /** Rows that are taken at a time. */
  most = Number.POSITIVE_INFINITY;
  code: ErrorCode = 'DATABASE_UNREACHABLE';

  readonly open = async (onWake: () => void): Promise<Outbox> => {
    this.opened++;
    this.#held.clear();
    this.wake = onWake;
    this.#maybeFail('open');
    return this;
  };

  insert(channel: string, data: unknown, { age = 0, key = null }: { age?: number; key?: string | null } = {}): void {
    const id = String(this.#next++);
    this.rows.push({ id, channel, data: JSON.stringify(data), key, created: `17${id}`, age });
  }

  #next = 1;
  /** Taken in this transaction. */
  readonly #held = new Set<string>();

  async take(): Promise<OutboxRow[]> {
    this.taken++;
    this.#maybeFail('take');
    const rows = this.rows.filter((row) => !this.#held.has(row.id)).slice(0, this.most);
    for (const { id } of rows) this.#held.add(id);
    return rows;
  }

  async settle({ done, aside }: Settled): Promise<void> {
    this.#held.clear();
    this.#maybeFail('settle');
    const gone = new Set([...done, ...aside.map(({ id }) => id)]);
    this.rows = this.rows.filter(({ id }) => !gone.has(id));
  }

  async measure() {
    return { waiting: this.rows.length, lag: 0, aside: 0 };
  }

  close(): void {}

  #maybeFail(step: string): void {
    if (this.failing === step) throw new ZocaloError(this.code, `${step} failed`);
  }
}
