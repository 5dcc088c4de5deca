/** Names in one answer of a node. */
export const PAGE = 1_000;

/** A page of a list, in the order of its names' characters. */
export interface PageOptions {
  readonly limit?: number | undefined;
  /** The last name of the page before. */
  readonly after?: string | undefined;
}

/** The same page, and one more to tell whether there is another. */
export function onward({ limit = 100, after }: PageOptions): { limit: number; after: string | undefined } {
  return { limit: limit + 1, after };
}

/** The items after the last one of the page before. */
export function pageOf<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  { limit = PAGE, after }: PageOptions,
): Item[] {
  const later = items.filter((item) => after === undefined || nameOf(item) > after);
  return later.sort((one, other) => inOrder(nameOf(one), nameOf(other))).slice(0, limit);
}

/** Leaves out the one item more, whose presence means that there is a next page. */
export function cut<Item>(items: readonly Item[], { limit = 100 }: PageOptions, nameOf: (item: Item) => string) {
  const page = items.slice(0, limit);
  return { items: page, next: items.length > limit ? { next: nameOf(page.at(-1)!) } : {} };
}

/** By their UTF-16 units, as JavaScript compares texts. */
export function inOrder(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
