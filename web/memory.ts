import type { OutboxStorage } from '../src/client/index.ts';

/**
 * What the page remembers. A browser may refuse to store anything (private windows, settings): then the page
 * works all the same, and begins anew with each visit.
 */

const NAME = 'zocalo.name';
const PAGE = 'zocalo.page';

/** What survives a reload of this tab, and its way to another room. */
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

/** To be called as the page goes away. */
export function leavePageState(state: PageState): void {
  tolerant(() => sessionStorage.setItem(PAGE, JSON.stringify(state)));
}

/**
 * Takes what `leavePageState` left, so that it is there only between two lives of a tab: a duplicated tab gets a
 * copy of the storage, and must not believe that it is the same person.
 */
export function takePageState(): PageState | undefined {
  return tolerant(() => {
    const text = sessionStorage.getItem(PAGE);
    sessionStorage.removeItem(PAGE);
    return text ? (JSON.parse(text) as PageState) : undefined;
  });
}

/** Where messages wait that are not sent yet: in this tab's storage or, where there is none, in this page. */
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
