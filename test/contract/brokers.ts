import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Broker, type Erasable, type KeyWindow, memory, sqlite } from '../../src/broker/index.ts';
import type { Clock } from '../../src/clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What the suite can turn at: a wall clock in a box. */
export interface Setting {
  now: () => number;
  clock?: Clock;
  keys?: Partial<KeyWindow>;
  onError?: (error: unknown) => void;
}

/** Every broker of the house, by name. Each opens a fresh store, which goes when the test ends. */
export const BROKERS: Readonly<Record<string, (t: TestContext, setting: Setting) => Promise<Broker & Erasable>>> = {
  memory: (t, setting) => opened(t, memory(setting)),
  sqlite: (t, setting) => opened(t, sqlite(join(temporary(t), 'log.db'), setting)),
};

/** A folder that goes when the test ends. */
export function temporary(t: TestContext): string {
  const folder = temporaryFolder(t);
  return folder;
}

/** Opens, and closes when the test ends: before its folder goes. */
export async function opened<T extends Broker>(t: TestContext, broker: T): Promise<T> {
  await broker.open();
  t.after(() => broker.close());
  return broker;
}
