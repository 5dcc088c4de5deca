import { create } from '../dom.ts';

export interface Column<Row> {
  title: string;
  number?: boolean;
  /** A single word that should not be broken. */
  word?: boolean;
  /** Text, or elements such as buttons. */
  cell: (row: Row) => string | Node;
}

/** A table that is updated each time. Rows keep their elements, so that a button stays under the pointer. */
export class Table<Row> {
  readonly #table: HTMLTableElement;
  readonly #columns: readonly Column<Row>[];
  readonly #keyOf: (row: Row) => string;
  readonly #none: string;
  readonly #body = create('tbody');
  readonly #rows = new Map<string, HTMLTableRowElement>();

  constructor(table: HTMLTableElement, columns: readonly Column<Row>[], keyOf: (row: Row) => string, none: string) {
    this.#table = table;
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#none = none;
  }

  draw(): void {
    const head = create('tr');
    for (const { title, number } of this.#columns) {
      const cell = create('th', number ? 'number' : '', title);
      cell.scope = 'col';
      head.append(cell);
    }
    const top = create('thead');
    top.append(head);
    this.#table.replaceChildren(top, this.#body);
    this.set([]);
  }

  set(rows: readonly Row[]): void {
    const keys = this.#keysOf(rows);
    const known = new Set(keys);
    for (const key of this.#rows.keys()) if (!known.has(key)) this.#rows.delete(key);
    const elements = rows.map((row, at) => {
      const key = keys[at]!;
      const element = this.#rows.get(key) ?? create('tr');
      this.#rows.set(key, element);
      this.#fill(element, row);
      return element;
    });
    if (elements.length === 0) {
      const cell = create('td', 'none', this.#none);
      cell.colSpan = this.#columns.length;
      const row = create('tr');
      row.append(cell);
      elements.push(row);
    }
    const same = elements.every((element, at) => this.#body.children[at] === element);
    if (!same || this.#body.childElementCount !== elements.length) this.#body.replaceChildren(...elements);
  }

  /** Two rows may be equal: the second one gets another key. */
  #keysOf(rows: readonly Row[]): string[] {
    const counts = new Map<string, number>();
    return rows.map((row) => {
      const key = this.#keyOf(row);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count === 1 ? key : `${key} ${count}`;
    });
  }

  #fill(element: HTMLTableRowElement, row: Row): void {
    for (const [at, { title, number, word, cell }] of this.#columns.entries()) {
      let place = element.cells[at];
      if (!place) {
        place = create('td', number ? 'number' : word ? 'word' : '');
        place.dataset.title = title; // for narrow screens, where each row is a card
        element.append(place);
      }
      const content = cell(row);
      if (typeof content === 'string') {
        if (place.textContent !== content) place.textContent = content;
      } else if (!place.hasChildNodes()) place.append(content);
    }
  }
}
