import type { OutboxStorage } from '../src/client/index.ts';

/**
 * What the page stores. If a browser refuses to store anything (private windows, settings), the page still works, and
 * starts from nothing with each visit.
 */

const NAME = 'zocalo.name';
const PAGE = 'zocalo.page';

/** What survives a page load in this tab, and a change of the room. */
export interface PageState {
  me: string;
  inRoom: boolean;
  /** By room. */
  drafts: Record<string, string>;
}

export function rememberedName(): string {
  return tolerant(() => localStorage.getItem(NAME)) ?? '';
}

export function rememberName(name: string): void {
  tolerant(() => localStorage.setItem(NAME, name));
}

/** Call it when the page is unloaded. */
export function leavePageState(state: PageState): void {
  tolerant(() => sessionStorage.setItem(PAGE, JSON.stringify(state)));
}

/**
 * Takes what `leavePageState` stored, and removes it: a duplicated tab gets a copy of the storage, and must not
 * continue as the same person.
 */
export function takePageState(): PageState | undefined {
  return tolerant(() => {
    const text = sessionStorage.getItem(PAGE);
    sessionStorage.removeItem(PAGE);
    return text ? (JSON.parse(text) as PageState) : undefined;
  });
}

/** Storage for messages that are not sent yet: this tab's storage or, if there is none, the page's memory. */
export function outboxStorage(): OutboxStorage {
  const items = new Map<string, string>();
  const page: OutboxStorage = {
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => items.set(name, value),
    removeItem: (name) => items.delete(name),
  };
  return tolerant(() => sessionStorage) ?? page;
}

function tolerant<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
