import { create } from '../dom.ts';

/** A word with a mark, green or red. */
export function stateMark(ok: boolean, word: string): Node {
  const state = create('span', 'link-state', word);
  state.dataset.ok = String(ok);
  return state;
}
