import type { NodeRow } from '../../src/server/admin/view.ts';
import { find } from '../dom.ts';
import { short } from './numbers.ts';
import { stateMark } from './state-mark.ts';
import { Table } from './table.ts';
import type { AdminWords } from './words.ts';

/** The nodes that share a store, and how much each has. Hidden where there is only one. */
export class NodesView {
  readonly #section = find('nodes-section', HTMLElement);
  readonly #table: Table<NodeRow>;

  constructor(words: AdminWords, locale: string, dated: Intl.DateTimeFormat) {
    const count = (value: number | undefined) => (value === undefined ? '' : short(value, locale));
    this.#table = new Table<NodeRow>(
      find('nodes', HTMLTableElement),
      [
        { title: words.machine, cell: ({ host }) => host },
        { title: words.process, number: true, cell: ({ process }) => String(process) },
        { title: words.state, word: true, cell: (node) => stateMark(node.figures !== undefined, stateOf(node)) },
        { title: words.connections, number: true, cell: ({ figures }) => count(figures?.connections) },
        { title: words.users, number: true, cell: ({ figures }) => count(figures?.users) },
        { title: words.channels, number: true, cell: ({ figures }) => count(figures?.channels) },
        { title: words.since, word: true, cell: ({ started }) => dated.format(started) },
      ],
      // With its state: an element in a row stays as it is.
      ({ id, figures, isHere }) => `${id} ${figures !== undefined} ${isHere}`,
      words.nobodyHere,
    );
    function stateOf({ figures, isHere }: NodeRow): string {
      if (isHere) return words.thisNode;
      return figures ? words.works : words.noAnswer;
    }
  }

  draw(): void {
    this.#table.draw();
  }

  show(nodes: readonly NodeRow[]): void {
    this.#section.hidden = nodes.length === 0;
    this.#table.set(nodes);
  }
}
