import type { ToldEvent } from './event-receiver.ts';
import type { Sent } from './verdict.ts';

export interface EventEvidence {
  /** Each once, in the order of their versions. */
  readonly events: readonly ToldEvent[];
  readonly sent: readonly Sent[];
  /** The store loses nothing: each change is told once, and each publication is told of. */
  readonly isDurable: boolean;
}

/**
 * A user comes before they go, and each change is the opposite of the last one; so do channels. In the end nobody is
 * left. Each acknowledged publication was told of, whichever node was killed.
 */
export function judgeEvents({ events, sent, isDurable }: EventEvidence): {
  violations: string[];
  untold: number;
} {
  const violations: string[] = [];
  const last = new Map<string, boolean>();
  const told = new Set<string>();
  for (const { type, user, channel, position, version } of events) {
    if (type === 'published') {
      const place = String([channel, position]);
      if (told.has(place) && isDurable) violations.push(`webhook: ${place} was published twice (${version})`);
      told.add(place);
      continue;
    }
    const name = user ?? channel!;
    const isHere = type === 'online' || type === 'occupied';
    if (last.get(name) === isHere && isDurable) violations.push(`webhook: ${name} is ${type} twice (${version})`);
    if (!last.has(name) && !isHere) violations.push(`webhook: ${name} is ${type} first (${version})`);
    last.set(name, isHere);
  }
  for (const [name, isHere] of last) if (isHere) violations.push(`webhook: ${name} has not gone in the end`);
  const untold = sent.filter(({ at, channel }) => at && !told.has(String([channel, at])));
  if (isDurable)
    for (const { id, channel, at } of untold)
      violations.push(`webhook: ${id} at ${at} of ${channel} was never told of`);
  return { violations, untold: untold.length };
}
