/**
 * What the page remembers. A browser may refuse to store anything (private windows, settings): then the page
 * works all the same, and begins anew with each visit.
 */

const NAME = 'zocalo.name';
const PAGE = 'zocalo.page';

/** What survives a reload of this tab. */
export interface PageState {
  session: string;
  inRoom: boolean;
  draft: string;
  pending: { key: string; text: string }[];
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

function tolerant<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
