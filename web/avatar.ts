import type { Person } from './conversation.ts';
import { create } from './dom.ts';

/** Number of person colours in the style sheet. */
const TINTS = 6;

/** A person has the same colour on every screen. */
export function tintOf(id: string): string {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.codePointAt(0)!) >>> 0;
  return String(hash % TINTS);
}

/** The first letter of a name on a tile in the person's colour. It is decoration, so screen readers skip it. */
export function avatar({ id, name }: Person): HTMLElement {
  const [first] = new Intl.Segmenter().segment(name);
  const tile = create('span', 'avatar', first?.segment.toUpperCase());
  tile.dataset.tint = tintOf(id);
  tile.ariaHidden = 'true';
  return tile;
}
