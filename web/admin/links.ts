import type { LinkRow } from '../../src/server/admin/view.ts';
import { find } from '../dom.ts';
import { short } from './numbers.ts';
import { stateMark } from './state-mark.ts';
import { Table } from './table.ts';
import type { AdminWords } from './words.ts';

/** The sources, sinks and handlers, and a store in trouble: whether they work, and what waits. Hidden without any. */
export class LinksView {
  readonly #section = find('links-section', HTMLElement);
  readonly #table: Table<LinkRow>;

  constructor(words: AdminWords, locale: string) {
    const count = (value: number | undefined) => (value === undefined ? '' : short(value, locale));
    const seconds = new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: 'second',
      unitDisplay: 'narrow',
      maximumFractionDigits: 1,
    });
    this.#table = new Table<LinkRow>(
      find('links', HTMLTableElement),
      [
        { title: words.what, word: true, cell: ({ kind }) => words[kind] },
        { title: words.name, cell: ({ name }) => name },
        { title: words.place, cell: ({ place = '' }) => place },
        { title: words.state, word: true, cell: ({ ok }) => stateMark(ok, ok ? words.works : words.fails) },
        { title: words.waiting, number: true, cell: ({ waiting }) => count(waiting) },
        { title: words.lag, number: true, cell: ({ lag }) => (lag === undefined ? '' : seconds.format(lag)) },
        { title: words.aside, number: true, cell: ({ aside }) => count(aside) },
        { title: words.lastError, cell: ({ error = '' }) => error },
      ],
      // With its state: an element in a row stays as it is.
      ({ kind, name, ok }) => `${kind} ${name} ${ok}`,
      words.nothingLinked,
    );
  }

  draw(): void {
    this.#table.draw();
  }

  show(links: readonly LinkRow[]): void {
    this.#section.hidden = links.length === 0;
    this.#table.set(links);
  }
}
