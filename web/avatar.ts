import type { Person } from './conversation.ts';
import { create } from './dom.ts';

/** How many colours the style sheet has for people. */
const TINTS = 6;

/** The same person has the same colour on every screen. */
export function tintOf(id: string): string {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.codePointAt(0)!) >>> 0;
  return String(hash % TINTS);
}

/** The first letter of a name on a tile of its person's colour; decoration, so screen readers pass over it. */
export function avatar({ id, name }: Person): HTMLElement {
  const [first] = new Intl.Segmenter().segment(name);
  const tile = create('span', 'avatar', first?.segment.toUpperCase());
  tile.dataset.tint = tintOf(id);
  tile.ariaHidden = 'true';
  return tile;
}
